import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReplyReader } from './reply-reader.ts'

test('replies of one and of many lines, in any chunks, with and without enhanced codes', () => {
  const text =
    '250-mx.example\r\n250-SIZE 1000\r\n250 DSN\r\n550-5.1.1 No such\r\n550 5.1.1 user\r\n451 5.7.1 odd\r\n221\r\n'
  for (let cut = 0; cut <= text.length; cut++) {
    const reader = new ReplyReader()
    expect([reader.feed(Buffer.from(text.slice(0, cut))), reader.feed(Buffer.from(text.slice(cut)))]).toEqual(
      [true, true],
    )
    expect([reader.next(), reader.next(), reader.next(), reader.next(), reader.next()]).toEqual([
      { code: 250, status: undefined, text: 'mx.example\nSIZE 1000\nDSN' },
      { code: 550, status: '5.1.1', text: 'No such\nuser' },
      { code: 451, status: undefined, text: '5.7.1 odd' },
      { code: 221, status: undefined, text: '' },
      undefined,
    ])
    expect(reader.isEmpty).toBe(true)
  }
})

test.each(['HTTP/1.1 400 Bad Request\r\n', '99 x\r\n', '\r\n', '250?x\r\n', '650 x\r\n'])(
  '%j is no reply',
  (text) => {
    expect(new ReplyReader().feed(Buffer.from(text))).toBe(false)
  },
)

test('what never ends is cut off', () => {
  const reader = new ReplyReader()
  let fed = 0
  while (reader.feed(Buffer.from('250-again\r\n'.repeat(100))) && fed < 1_000) fed++
  expect(fed).toBeLessThan(100)
  expect(new ReplyReader().feed(Buffer.alloc(100_000, 'x'))).toBe(false)
})

test('replies that nobody waits for are cut off, too; those to a large mail are not', () => {
  const reader = new ReplyReader()
  const refusal = Buffer.from(`550 5.7.1 ${'x'.repeat(1_000)}\r\n`)
  for (let count = 0; count < 200; count++) expect(reader.feed(refusal)).toBe(true)
  let fed = 0
  while (reader.feed(Buffer.from('250 again\r\n'.repeat(1_000))) && fed < 1_000) fed++
  expect(fed).toBeLessThan(20)
  const patient = new ReplyReader()
  for (let count = 0; count < 10_000; count++)
    expect([patient.feed(refusal), patient.next()?.code]).toEqual([true, 550])
})

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => void new ReplyReader().feed(Buffer.from(bytes)),
    ),
  )
})
