import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readZBase32, writeZBase32 } from './z-base-32.ts'

test.each([
  ['', ''],
  ['00', 'yy'],
  ['f0bfc7', '6n9hq'],
  ['d47a04', '4t7ye'],
])('RFC 6189 §5.1.6: %s is written %s, and read', (hex, text) => {
  expect(writeZBase32(Buffer.from(hex, 'hex'))).toBe(text)
  expect(readZBase32(text)?.toString('hex')).toBe(hex)
})

test.each(['y', 'yyy', 'yb', '6N9HQ', '6n9h=', 'yyl2'])('%s is none', (text) => {
  expect(readZBase32(text)).toBeUndefined()
})

test('what was written is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(readZBase32(writeZBase32(bytes))).toEqual(Buffer.from(bytes))
    }),
  )
})
