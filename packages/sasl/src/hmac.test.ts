import { createHmac, randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { digest, hmac } from './hmac.ts'

test('RFC 4231 §4.2, RFC 2202 §3: the first test case', () => {
  const key = Buffer.alloc(20, 0x0b)
  expect(hmac('SHA-256', key, 'Hi There').toString('hex')).toBe(
    'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7',
  )
  expect(hmac('SHA-1', key, 'Hi There').toString('hex')).toBe('b617318655057264e28bc0b6fb378c8ef146be00')
})

test('it is what node:crypto makes of it, whatever the lengths', () => {
  for (const [hash, name] of [
    ['SHA-256', 'sha256'],
    ['SHA-1', 'sha1'],
  ] as const)
    for (let length = 0; length <= 64; length++)
      for (const text of ['', 'grüße', 'x'.repeat(length * 7), randomBytes(length)]) {
        const key = randomBytes(length)
        expect(hmac(hash, key, text)).toEqual(createHmac(name, key).update(text).digest())
      }
  expect(() => hmac('SHA-256', randomBytes(65), '')).toThrow()
})

test('FIPS 180-4: the digest of abc', () => {
  expect(digest('SHA-1', Buffer.from('abc')).toString('hex')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d')
})
