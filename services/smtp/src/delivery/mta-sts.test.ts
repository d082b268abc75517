import { expect, test } from 'vitest'
import { isNamed, parsePolicy } from './mta-sts.ts'

test('a policy (RFC 8461 §3.2)', () => {
  const text =
    'version: STSv1\r\nmode: enforce\r\nmx: Mail.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n'
  expect(parsePolicy(text)).toEqual({
    mode: 'enforce',
    mx: ['mail.example.org', '*.example.net'],
    maxAgeSeconds: 604_800,
  })
  expect(parsePolicy(text.replaceAll('\r\n', '\n'))).toEqual(parsePolicy(text))
  expect(parsePolicy('version: STSv1\nmode: none\nmax_age: 99999999999')).toBeUndefined()
  expect(parsePolicy('version: STSv1\nmode: none\nmax_age: 9999999999')?.maxAgeSeconds).toBe(31_557_600)
})

test.each([
  '',
  'version: STSv2\nmode: enforce\nmx: a\nmax_age: 1',
  'version: STSv1\nmode: perhaps\nmx: a\nmax_age: 1',
  'version: STSv1\nmode: enforce\nmax_age: 1',
  'version: STSv1\nmode: enforce\nmx: a',
  '<html>',
])('%j is none', (text) => {
  expect(parsePolicy(text)).toBeUndefined()
})

test.each([
  ['mail.example.org', true],
  ['a.example.net', true],
  ['a.b.example.net', false],
  ['example.net', false],
  ['other.example.org', false],
])('%s is named: %s (RFC 8461 §4.1)', (host, named) => {
  expect(isNamed(host, { mx: ['mail.example.org', '*.example.net'] })).toBe(named)
})
