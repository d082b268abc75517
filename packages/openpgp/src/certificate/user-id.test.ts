import { expect, it } from 'vitest'
import { addressOf, normalizeAddress, userIdText } from './user-id.ts'

it.each<[string, string | undefined]>([
  ['Alice <alice@example.org>', 'alice@example.org'],
  ['alice@example.org', 'alice@example.org'],
  ['<Alice@EXAMPLE.org>', 'alice@example.org'],
  ['Alice (work) <a+b@example.org> ', 'a+b@example.org'],
  ['Ünïcode <jürgen@bücher.example>', 'jürgen@bücher.example'],
  ['<käthe@xn--bcher-kva.example>', 'käthe@bücher.example'],
  ['<käthe@BÜCHER.example>', 'käthe@bücher.example'],
  ['<alice@xn--iñvalid.example>', undefined],
  ['<alice@exa%6dple.org>', undefined],
  ['alice@example.org <mallory@example.net>', 'mallory@example.net'],
  ['Alice <alice@example.org> <other@example.org>', undefined],
  ['Alice <alice@example.org', undefined],
  ['Alice alice@example.org', undefined],
  ['Alice <alice>', undefined],
  ['Alice <a@b@c>', undefined],
  ['Alice <al ice@example.org>', undefined],
  ['Alice <alice@example.org\u0000>', undefined],
  [`<${'a'.repeat(65)}@example.org>`, undefined],
  [`<a@${'b'.repeat(253)}>`, undefined],
  ['', undefined],
])('%j has the address %j', (text, address) => {
  expect(addressOf(text)).toBe(address)
})

it('one address in different forms of Unicode is one address', () => {
  expect(normalizeAddress('ju\u0308rgen@example.org')).toBe(normalizeAddress('J\u00fcrgen@example.org'))
})

it('what is not UTF-8 is no text', () => {
  expect(userIdText(Buffer.from([0x41, 0xff]))).toBeUndefined()
  expect(userIdText(Buffer.from('\ufeffx'))).toBe('\ufeffx')
})
