import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatAddress } from '../email-address.ts'
import { type ReportUri, parseDmarcTags, parseDmarcUris, parseTlsReporting } from './report-uris.ts'

const short = (uri: ReportUri): string =>
  uri.kind === 'mailto' ? `${formatAddress(uri.address)} ${String(uri.bytesMax)}` : `${uri.host} ${uri.path}`

test.each([
  [['v=TLSRPTv1; rua=mailto:reports@example.com'], ['reports@example.com undefined']],
  [['v=TLSRPTv1;rua=https://reporting.example.com/v1/tlsrpt?x=1'], ['reporting.example.com /v1/tlsrpt?x=1']],
  [
    ['v=TLSRPTv1; future=x; rua=mailto:a@example.com , https://example.com;'],
    ['a@example.com undefined', 'example.com /'],
  ],
  [['something else', 'v=TLSRPTv1; rua=mailto:a@example.com'], ['a@example.com undefined']],
  [['v=TLSRPTv1; rua=mailto:a@example.com', 'v=TLSRPTv1; rua=mailto:b@example.com'], []],
  [['v=TLSRPTv2; rua=mailto:a@example.com'], []],
  [['v=TLSRPTv1; x=y'], []],
  [['v=TLSRPTv1; rua=ftp://example.com,http://example.com,mailto:nobody'], []],
  [['v=TLSRPTv1; rua=https://example.com:8443/,https://a:b@example.com/'], []],
  [['v=TLSRPTv1; rua=mailto:%61%2Bb@example.com?subject=x'], ['a+b@example.com undefined']],
  [['v=TLSRPTv1; rua=mailto:a@example.com%0D%0ABcc:x@example.com'], []],
  [['v=TLSRPTv1; rua=mailto:%E0%A4@example.com'], []],
])('RFC 8460 §3: %j', (records, uris) => {
  expect(parseTlsReporting(records).map(short)).toEqual(uris)
})

test.each([
  ['mailto:a@example.com', ['a@example.com undefined']],
  ['mailto:a@example.com!10m, MAILTO:b@example.org!512', ['a@example.com 10485760', 'b@example.org 512']],
  ['https://example.com', []],
  ['a@example.com', []],
  ['mailto:a@example.com!10x', []],
  [Array.from({ length: 9 }, (_, count) => `mailto:a${String(count)}@example.com`).join(','), 5],
])('RFC 9989 §4.8: %s', (rua, uris) => {
  const found = parseDmarcUris(rua)
  expect(typeof uris === 'number' ? found.length : found.map(short)).toEqual(uris)
})

test('tags of a DMARC record (RFC 9989 §4.7)', () => {
  const tags = parseDmarcTags('v=DMARC1; P = reject ;rua=mailto:a@example.com;')
  expect([tags?.get('p'), tags?.get('rua')]).toEqual(['reject', 'mailto:a@example.com'])
  expect(parseDmarcTags('v=DMARC1')?.size).toBe(1)
  for (const bad of ['v=DMARC2; p=none', 'p=none; v=DMARC1', 'v=DMARC1; p=none; p=reject', 'v=dmarc1'])
    expect(parseDmarcTags(bad)).toBeUndefined()
})

test('no record breaks anything, or names a host that is none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const uri of parseTlsReporting([`v=TLSRPTv1; rua=${text}`, text]))
        if (uri.kind === 'https') expect(uri.host).toMatch(/^[^\s@/]+$/)
      parseDmarcUris(text)
      parseDmarcTags(text)
    }),
  )
})
