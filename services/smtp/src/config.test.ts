import { defineConfig } from '@sealpost/config'
import { expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { RETRY_PAUSES } from './queue/schedule.ts'

const read = (reports: string) => defineConfig({ SMTP_REPORTS: reports }, readConfig).reports

test('reports are sent about what is named, and about nothing by default', () => {
  expect(defineConfig({}, readConfig).reports).toEqual([])
  expect([read('dmarc'), read('dmarc, tls')]).toEqual([['dmarc'], ['tls', 'dmarc']])
  for (const wrong of ['all', 'tls,x']) expect(() => read(wrong)).toThrow('SMTP_REPORTS must list tls, dmarc')
})

test('a mail is given up after two days, or one to three as the operator says', () => {
  const expiry = (SMTP_EXPIRY?: string) =>
    defineConfig(SMTP_EXPIRY === undefined ? {} : { SMTP_EXPIRY }, readConfig).expiryMs / 3_600_000
  expect([expiry(), expiry('24h'), expiry('3d')]).toEqual([48, 24, 72])
  for (const wrong of ['23h', '73h', '0', 'soon']) expect(() => expiry(wrong)).toThrow('SMTP_EXPIRY')
})

test('a mail is tried again when the operator says, else as it is usual', () => {
  const pauses = (SMTP_RETRY_SCHEDULE: string) =>
    defineConfig({ SMTP_RETRY_SCHEDULE }, readConfig).retryPausesMs
  expect(defineConfig({}, readConfig).retryPausesMs).toBe(RETRY_PAUSES)
  expect(pauses('5m, 90m,24h').map((ms) => ms / 60_000)).toEqual([5, 90, 1_440])
  for (const wrong of ['59s', '25h', '5m,soon', '5', Array.from({ length: 51 }, () => '5m').join()])
    expect(() => pauses(wrong)).toThrow('SMTP_RETRY_SCHEDULE must list')
})
