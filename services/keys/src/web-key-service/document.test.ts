import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readDocument, writeDocument } from './document.ts'

test('draft-koch-openpgp-webkey-service §4.3: names and values, a line each; empty lines, CRLF and white space around a value say nothing', () => {
  expect([...(readDocument('type: confirmation-response\r\n\nSender:a@b \t\nnonce:\n') ?? [])]).toEqual([
    ['type', 'confirmation-response'],
    ['sender', 'a@b'],
    ['nonce', ''],
  ])
})

test.each(['nonce', 'nonce: a\nnonce: a', ': a', '-a: b', 'a b: c', `nonce: ${'a'.repeat(5_000)}`])(
  'what is something else is not read: %j',
  (text) => {
    expect(readDocument(text)).toBeUndefined()
  },
)

test('what was written is read again', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
  const value = fc.stringMatching(/^[!-~]{0,40}$/)
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(name, value), { selector: ([each]) => each, maxLength: 8 }),
      (pairs) => {
        expect([...(readDocument(writeDocument(pairs)) ?? [])]).toEqual(pairs)
      },
    ),
  )
})

test('no text makes it throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readDocument(text)))
})
