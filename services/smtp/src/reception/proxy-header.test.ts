import { assert, constant, oneof, property, uint8Array } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PROXY_HEADER_BYTES_MAX, readProxyHeader } from './proxy-header.ts'

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

function version2(command: number, family: number, body: string): Buffer {
  const bytes = Buffer.from(body, 'hex')
  const head = Buffer.from([0x20 | command, family, bytes.length >> 8, bytes.length & 0xff])
  return Buffer.concat([SIGNATURE, head, bytes])
}

const V4 = 'c0000207c0000201 9c40 0019'.replaceAll(' ', '')
const V6 = '20010db8000000000000000000000007 20010db8000000000000000000000001 9c400019'.replaceAll(' ', '')
const MAPPED = '00000000000000000000ffffc0000207 00000000000000000000ffffc0000201 9c400019'.replaceAll(
  ' ',
  '',
)

describe('who the client is', () => {
  test.each([
    ['PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n', '192.0.2.7'],
    ['PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n', '2001:db8::7'],
    ['PROXY UNKNOWN\r\n', undefined],
    ['PROXY UNKNOWN whatever it says\r\n', undefined],
    [version2(1, 0x11, V4), '192.0.2.7'],
    [version2(1, 0x21, V6), '2001:db8:0:0:0:0:0:7'],
    [version2(0, 0x00, ''), undefined],
    [version2(1, 0x11, `${V4}030004deadbeef`), '192.0.2.7'], // with a TLV
  ])('%j', (header, client) => {
    const bytes = Buffer.from(header as string)
    const all = Buffer.concat([bytes, Buffer.from('EHLO a\r\n')])
    expect(readProxyHeader(all)).toEqual({ result: 'header', client, length: bytes.length })
  })

  test.each([
    ['PROXY TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 40000 25\r\n'],
    ['PROXY TCP6 ::FFFF:C000:207 ::ffff:c000:201 40000 25\r\n'],
    [version2(1, 0x21, MAPPED)],
  ])('an IPv4 address mapped into IPv6 is the IPv4 one: all of them would be one network: %j', (header) => {
    expect(readProxyHeader(Buffer.from(header as string))).toMatchObject({ client: '192.0.2.7' })
  })
})

test.each([
  'PROXY TCP4 2001:db8::7 192.0.2.1 40000 25\r\n',
  'PROXY TCP6 192.0.2.7 192.0.2.1 40000 25\r\n',
  'PROXY TCP4 192.0.2.7\r\n',
  'PROXY TCP4 192.0.2.7 192.0.2.1 40000 25 more\r\n',
  'PROXY  TCP4 192.0.2.7 192.0.2.1 40000 25\r\n',
  'proxy TCP4 192.0.2.7 192.0.2.1 40000 25\r\n',
  'PROXY UDP4 192.0.2.7 192.0.2.1 40000 25\r\n',
  `PROXY UNKNOWN ${'x'.repeat(200)}\r\n`,
  'EHLO a\r\n',
  version2(2, 0x11, V4),
  version2(1, 0x11, V4.slice(2)),
  version2(1, 0x31, V6),
  Buffer.concat([SIGNATURE, Buffer.from([0x11, 0x11, 0, 12]), Buffer.from(V4, 'hex')]),
  Buffer.concat([SIGNATURE, Buffer.from([0x21, 0x11, 0xff, 0xff])]),
])('%j is none', (header) => {
  expect(readProxyHeader(Buffer.from(header as string))).toEqual({ result: 'malformed' })
})

test('every beginning of a header is incomplete, and nothing goes on for longer than is read', () => {
  for (const header of [Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n'), version2(1, 0x21, V6)])
    for (let length = 0; length < header.length; length++)
      expect(readProxyHeader(header.subarray(0, length))).toEqual({ result: 'incomplete' })
  assert(
    property(
      oneof(constant(SIGNATURE), constant(Buffer.from('PROXY ')), constant(Buffer.alloc(0))),
      uint8Array({ maxLength: PROXY_HEADER_BYTES_MAX, size: 'max' }),
      (begin, rest) => {
        const bytes = Buffer.concat([begin, rest])
        const { result } = readProxyHeader(bytes)
        if (bytes.length > PROXY_HEADER_BYTES_MAX) expect(result).not.toBe('incomplete')
      },
    ),
  )
})
