import { expect, test } from 'vitest'
import { namedInLog } from './named-in-log.ts'

const line = (fields: object): string =>
  JSON.stringify({ level: 'warn', time: '2026-11-26T20:08:43.123Z', ...fields, event: 'something' })

test.each([
  { code: 'alice@localhost' },
  { code: '192.0.2.7' },
  { code: '2001:db8::1' },
  { code: '::1' },
  { kind: 'mail.elsewhere.example' },
])('names somebody: %o', (fields) => {
  expect(namedInLog(`Sealpost is ready\n${line(fields)}\n`)).toEqual([line(fields)])
})

test.each([
  { code: 'ECONNREFUSED' },
  { code: '57P01', count: 3, ms: 1.5 },
  { stream: 'a1B2-c3_d4', port: 5222 },
])('names nobody: %o', (fields) => expect(namedInLog(line(fields))).toEqual([]))

test('what a start shows is for its operator', () => {
  expect(namedInLog('API      https://127.0.0.1:8443/v1/openapi.json\npostmaster@localhost')).toEqual([])
})
