import { expect, test } from 'vitest'
import { uploadTokens } from './upload-token.ts'

const KEY = Buffer.alloc(32, 1)
const HOUR_MS = 3_600_000

test.each(['AB'.repeat(20), 'CD'.repeat(32)])('holds for an hour, for %s', (fingerprint) => {
  let now = Date.UTC(2026, 0, 1)
  const tokens = uploadTokens(KEY, () => now)
  const token = tokens.make(fingerprint, ['a@example.org', 'b@example.org'])
  const read = (): string | undefined => tokens.read(token)?.fingerprint
  expect(read()).toBe(fingerprint)
  const asked = ['a@example.org', 'b@example.org', 'c@example.org', ''].map((each) =>
    tokens.read(token)?.named(each),
  )
  expect(asked).toEqual([true, true, false, false])
  expect(tokens.read(tokens.make(fingerprint, []))?.named('a@example.org')).toBe(false)
  now += HOUR_MS - 1_000
  expect(read()).toBe(fingerprint)
  now += 1_000
  expect(tokens.read(token)).toBeUndefined()
})

test('whatever is changed of it, it is not ours', () => {
  const tokens = uploadTokens(KEY, () => Date.UTC(2026, 0, 1))
  const bytes = Buffer.from(tokens.make('AB'.repeat(20), ['a@example.org']), 'base64url')
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes)
    changed[index] = (changed[index] ?? 0) ^ 1
    expect(tokens.read(changed.toString('base64url'))).toBeUndefined()
    expect(tokens.read(bytes.subarray(0, index).toString('base64url'))).toBeUndefined()
  }
  expect(
    uploadTokens(Buffer.alloc(32, 2), () => Date.UTC(2026, 0, 1)).read(bytes.toString('base64url')),
  ).toBeUndefined()
  for (const wrong of ['', '=', 'ü', 'A'.repeat(10_000)]) expect(tokens.read(wrong)).toBeUndefined()
})
