import { defineConfig } from '@sealpost/config'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const read = (reports: string) => defineConfig({ SMTP_REPORTS: reports }, readConfig).reports

test('reports are sent about what is named, and about nothing by default', () => {
  expect(defineConfig({}, readConfig).reports).toEqual([])
  expect([read('dmarc'), read('dmarc, tls')]).toEqual([['dmarc'], ['tls', 'dmarc']])
  for (const wrong of ['all', 'tls,x']) expect(() => read(wrong)).toThrow('SMTP_REPORTS must list tls, dmarc')
})
