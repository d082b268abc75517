import { expect, test } from 'vitest'
import { formatAddress, parseAddress } from './email-address.ts'

test.each([
  ['ann@example.org', 'ann@example.org'],
  ['Ann.B+tag@EXAMPLE.org', 'Ann.B+tag@example.org'],
  ['"two words"@example.org', '"two words"@example.org'],
  ['"needless"@example.org', 'needless@example.org'],
  [String.raw`"a\"b@c"@example.org`, String.raw`"a\"b@c"@example.org`],
  ['jürgen@bücher.example', 'jürgen@xn--bcher-kva.example'],
  ['ann@[192.0.2.1]', 'ann@[192.0.2.1]'],
  ['ann@[IPv6:2001:db8::1]', 'ann@[IPv6:2001:db8::1]'],
])('%s is an address (RFC 5321 §4.1.2)', (text, written) => {
  const address = parseAddress(text)
  expect(address && formatAddress(address)).toBe(written)
})

test('a domain can be written in its own script (RFC 6531 §3.3)', () => {
  expect(formatAddress({ local: 'ann', domain: 'xn--bcher-kva.example' }, { unicode: true })).toBe(
    'ann@bücher.example',
  )
})

test.each([
  '',
  '@',
  'ann',
  'ann@',
  '@example.org',
  'ann@@example.org',
  'a..b@example.org',
  '.a@example.org',
  'a b@example.org',
  'ann@exa mple.org',
  'ann@example..org',
  'ann@example.org/x',
  'ann@example.org:25',
  'ann@example.org?x',
  'ann@example.org#x',
  'ann@example%2Eorg',
  'ann@-example.org',
  'ann@[example]',
  'a\r\nb@example.org',
  'ann@example.org\r\n',
  '"a\r\nb"@example.org',
  `${'a'.repeat(65)}@example.org`,
  `ann@${'a'.repeat(64)}.org`,
  '<ann@example.org>',
])('%j is none', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})
