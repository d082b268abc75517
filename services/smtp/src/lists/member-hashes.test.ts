import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomUUID } from 'node:crypto'
import { parseListId } from './lists.ts'
import { MemberHashes } from './member-hashes.ts'

const hashes = new MemberHashes('key')
const address = { local: 'Ann', domain: 'example.org' }

test('an address has one hash on a list, whatever its case, and another on every other', () => {
  const list = randomUUID()
  const hash = hashes.of(list, address)
  expect(hashes.of(list, { local: 'ann', domain: 'example.org' })).toEqual(hash)
  expect(hashes.of(randomUUID(), address)).not.toEqual(hash)
  expect(new MemberHashes('other').of(list, address)).not.toEqual(hash)
})

test('a link says whose it is, and nothing else is one', () => {
  const membership = { list: randomUUID(), address: hashes.of(randomUUID(), address) }
  const link = hashes.link(membership)
  expect(hashes.readLink(link)).toEqual(membership)
  expect(new MemberHashes('other').readLink(link)).toBeUndefined()
  fc.assert(
    fc.property(fc.nat(63), fc.constantFrom('A', 'b', 'Z', '0', '9', '-', '_'), (at, char) => {
      const changed = link.slice(0, at) + char + link.slice(at + 1)
      expect(hashes.readLink(changed)).toEqual(changed === link ? membership : undefined)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(hashes.readLink(text)).toBeUndefined()
    }),
  )
})

test('names of lists are those of RFC 2919, in lower case', () => {
  expect(parseListId('News.Example.ORG')).toBe('news.example.org')
  expect(parseListId('a_b-c.d')).toBe('a_b-c.d')
  for (const wrong of ['', 'a', '.a', 'a.', 'a..b', '-a.b', 'a b.c', `${'a'.repeat(127)}.b`, 'ä.b'])
    expect(() => parseListId(wrong)).toThrow('A list is named')
  fc.assert(
    fc.property(fc.string(), (text) => {
      try {
        expect(parseListId(text)).toMatch(/^[a-z0-9._-]{3,128}$/)
      } catch (error) {
        expect(error).toMatchObject({ code: 'LIST_NAME_MALFORMED' })
      }
    }),
  )
})
