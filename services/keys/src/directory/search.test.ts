import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SearchError, parseSearch } from './search.ts'

test.each([
  ['0x0123456789abcdef', 'key-id', '0123456789ABCDEF'],
  [`0x${'ab'.repeat(20)}`, 'fingerprint', 'AB'.repeat(20)],
  [`0X${'CD'.repeat(32)}`, 'fingerprint', 'CD'.repeat(32)],
  ['alice@example.org', 'address', 'alice@example.org'],
  ['d’artagnan+x@bücher.example', 'address', 'd’artagnan+x@bücher.example'],
])('%s is a search by %s', (text, kind, value) => {
  expect(parseSearch(text)).toEqual({ kind, value })
})

test('a short key id is refused with the reason', () => {
  expect(() => parseSearch('0x89abcdef')).toThrow(/Short key ids are not supported/)
})

test.each([
  '',
  '0x',
  '0x123',
  `0x${'a'.repeat(41)}`,
  `0x${'a'.repeat(65)}`,
  '0123456789abcdef',
  'alice',
  'alice@',
  '@example.org',
  'a@b@c',
  'Alice <alice@example.org>',
  'al ice@example.org',
  'alice@example.org\r\n',
  'alice@exam\u0000ple.org',
  `${'a'.repeat(65)}@example.org`,
  `a@${'b'.repeat(253)}`,
])('%j is refused', (text) => {
  expect(() => parseSearch(text)).toThrow(SearchError)
})

test('whatever is asked, the answer is a search within bounds or a SearchError that does not repeat it', () => {
  const near = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.stringMatching(/^0[xX][0-9a-fA-F]{0,70}$/),
    fc.emailAddress(),
  )
  fc.assert(
    fc.property(near, (text) => {
      try {
        const { kind, value } = parseSearch(text)
        expect(Buffer.byteLength(value)).toBeLessThanOrEqual(254)
        if (kind === 'address') expect(value).toBe(text)
        else expect(value).toMatch(/^(?:[0-9A-F]{16}|[0-9A-F]{40}|[0-9A-F]{64})$/)
      } catch (error) {
        if (!(error instanceof SearchError)) throw error
        if (text.length > 12) expect(error.message).not.toContain(text)
      }
    }),
    { numRuns: 2_000 },
  )
})
