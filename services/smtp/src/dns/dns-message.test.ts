import { encode } from 'dns-packet'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeQuestion, readResponse } from './dns-message.ts'

const whole = encode({
  type: 'response',
  id: 7,
  questions: [{ type: 'MX', name: 'example.org' }],
  answers: [
    { type: 'CNAME', name: 'example.org', ttl: 60, data: 'www.example.org' },
    { type: 'MX', name: 'www.example.org', ttl: 60, data: { preference: 10, exchange: 'mx.example.org' } },
    { type: 'TXT', name: 'www.example.org', ttl: 60, data: ['one', 'two'] },
    { type: 'AAAA', name: 'www.example.org', ttl: 60, data: '2001:db8::1' },
  ],
  authorities: [
    {
      type: 'SOA',
      name: 'example.org',
      ttl: 900,
      data: { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 300 },
    },
  ],
})

test('the control: the message that is mangled below is read', () => {
  expect(readResponse(whole)).toMatchObject({ id: 7, negativeTtlSeconds: 300 })
  expect(readResponse(whole)?.records.map(({ type }) => type)).toEqual(['CNAME', 'MX', 'TXT', 'AAAA'])
})

test('cut off anywhere it is no message', () => {
  for (let length = 0; length < whole.length; length++)
    expect(readResponse(whole.subarray(0, length)), String(length)).toBeUndefined()
})

test('no bytes make it throw or loop, mangled or random', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }),
      (changes) => {
        const bytes = Buffer.from(whole)
        for (const [at, value] of changes) bytes[at] = value
        for (const { name } of readResponse(bytes)?.records ?? []) expect(name).toMatch(/^[!-~]*$/)
      },
    ),
    { numRuns: 3_000 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      readResponse(Buffer.from(bytes))
    }),
    { numRuns: 2_000 },
  )
})

test('pointers lead backwards only, so that a name ends (RFC 1035 §4.1.4)', () => {
  const bytes = Buffer.from(whole)
  bytes.writeUInt16BE(0xc00c, 12)
  expect(readResponse(bytes)).toBeUndefined()
})

test('a question has the letters of its name in a case of chance', () => {
  const question = encodeQuestion('ExAmple.org.', 'A', Buffer.from([0b0000_0101, 0]))
  expect(question?.toString('latin1')).toBe('\u0007ExAmple\u0003org\0\0\u0001\0\u0001')
})

test('an IPv6 address is written as RFC 5952 §4 wants, and is the same address', () => {
  const group = fc.oneof(fc.constantFrom(0, 0, 0, 0x10, 0x100, 0x1000), fc.nat(0xffff))
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const data = groups.map((one) => one.toString(16)).join(':')
      const answers = [{ type: 'AAAA' as const, name: 'a.example', data }]
      const message = readResponse(
        encode({ type: 'response', questions: [{ type: 'AAAA', name: 'a.example' }], answers }),
      )
      expect([message?.records[0]?.data]).toEqual([new URL(`http://[${data}]`).hostname.slice(1, -1)])
    }),
    { numRuns: 2_000, examples: [[[0x2001, 0xdb8, 0xff0, 0x100, 0, 0, 0, 2]]] },
  )
})
