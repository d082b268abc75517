import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddressList } from './address-list.ts'
import { formatAddress } from './email-address.ts'

const read = (value: string): string[] | undefined =>
  parseAddressList(value)?.map((each) => formatAddress(each))

test.each([
  ['ann@example.org', ['ann@example.org']],
  ['Ann <ann@example.org>', ['ann@example.org']],
  ['Ann B. Doe <ann@example.org>, bob@example.org', ['ann@example.org', 'bob@example.org']],
  ['"Doe, Ann" <ann@example.org>', ['ann@example.org']],
  ['"bob@example.org" <ann@example.org>', ['ann@example.org']],
  [String.raw`"\"<bob@example.org>\"" <ann@example.org>`, ['ann@example.org']],
  ['=?utf-8?q?bob=40example.org?= <ann@example.org>', ['ann@example.org']],
  ['(bob@example.org, (nested) \\) ) ann @ (x) example . org (y)', ['ann@example.org']],
  ['<@relay.example,@b.example:ann@example.org>', ['ann@example.org']],
  ['Friends: ann@example.org, Bob <bob@example.org>;', ['ann@example.org', 'bob@example.org']],
  ['undisclosed-recipients:;', []],
  ['A:a@example.org;, B:;, c@example.org', ['a@example.org', 'c@example.org']],
  [', ,ann@example.org,', ['ann@example.org']],
  ['"two words"@example.org', ['"two words"@example.org']],
  ['"a"."b"@example.org', ['a.b@example.org']],
  ['ann@[192.0.2.1]', ['ann@[192.0.2.1]']],
  ['Jürgen <jürgen@bücher.example>', ['jürgen@xn--bcher-kva.example']],
  ['', []],
])('%j (RFC 5322 §3.4)', (value, addresses) => {
  expect(read(value)).toEqual(addresses)
})

test.each([
  'ann',
  'Ann ann@example.org',
  'ann@example.org bob@example.org',
  'ann@example.org <bob@example.org>',
  '<ann@example.org> <bob@example.org>',
  '<ann@example.org>bob@example.org',
  'ann@example.org@example.com',
  '<ann@example.org',
  'ann@example.org>',
  '<<ann@example.org>>',
  '<>',
  'A: b@example.org',
  'A: B: c@example.org;;',
  'ann@example.org;',
  'ann..b@example.org',
  '.ann@example.org',
  'ann@"example.org"',
  '"ann@example.org',
  '(ann@example.org',
  'ann@example.org)',
  String.raw`ann\@example.org`,
  'ann@example.org\0',
  'ann@example.org\r\nbob@example.org',
  '[ann]@example.org',
  '@example.org',
])('%j is none: two readers could see different addresses', (value) => {
  expect(read(value)).toBeUndefined()
})

test('whatever comes, it ends soon, and gives addresses or nothing', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '(',
    ')',
    '"',
    '\\',
    '@',
    ',',
    ';',
    ':',
    '.',
    ' ',
    'a',
    'b.c',
    '[',
    ']',
    '=?utf-8?b?YQ==?=',
    'ü',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      for (const address of read(pieces.join('')) ?? []) expect(address).toContain('@')
    }),
    { numRuns: 2_000 },
  )
})

test('what is written is read again', () => {
  const local = fc.string({
    unit: fc.constantFrom('a', '.', '"', '\\', ' ', '@', '<', '(', ','),
    minLength: 1,
    maxLength: 10,
  })
  fc.assert(
    fc.property(fc.array(local, { maxLength: 5 }), (locals) => {
      const addresses = locals.map((each) => formatAddress({ local: each, domain: 'example.org' }))
      expect(read(addresses.map((each) => `Name <${each}>`).join(', '))).toEqual(addresses)
    }),
  )
})

test.each([
  '('.repeat(100_000),
  '"'.repeat(100_001),
  'a,'.repeat(100_000),
  '<@'.repeat(50_000),
  '.'.repeat(100_000),
])('hostile lengths are read in linear time', (value) => {
  const before = performance.now()
  parseAddressList(value)
  expect(performance.now() - before).toBeLessThan(5_000)
})
