import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { isNickname, keyOf, likenessOf } from './nickname.ts'

test.each(['Ann', 'ann b', 'Ä', 'Ann 🦊', 'x'.repeat(128), 'أحمد', '日本 太郎'])(
  '%j is a nickname',
  (nick) => {
    expect(isNickname(nick)).toBe(true)
  },
)

test.each([
  '',
  ' ',
  ' Ann',
  'Ann ',
  'Ann  B',
  'Ann\u00a0B',
  'Ann\nB',
  'A\u200bnn',
  'A\u202enn',
  'A\u2066nn',
  'A\ufeffnn',
  'A\u00adnn',
  'A\ue000nn',
  'x'.repeat(129),
  'é'.repeat(65),
])('%j is none', (nick) => {
  expect(isNickname(nick)).toBe(false)
})

test.each([
  ['Ann', 'ANN'],
  ['Ann', 'Ａｎｎ'],
  ['Ä', 'A\u0308'],
  ['ﬁn', 'fin'],
  ['Σ', 'σ'],
  ['Å', '\u212b'],
])('RFC 8266 §2.4: %j reads as %j', (one, other) => {
  expect(keyOf(one)).toBe(keyOf(other))
})

test.each([
  ['Ann', 'Аnn', 'Cyrillic A'],
  ['Ann', 'ΑNN', 'Greek A, in capitals'],
  ['eve', 'еvе', 'Cyrillic e'],
  ['Nick', 'Νick', 'Greek Nu, a capital'],
  ['view', 'νiew', 'Greek nu, small'],
  ['paco', 'расо', 'all Cyrillic'],
  ['Вова', 'ВОВА', 'the same in capitals'],
])('UTS 39: %s may be taken for %s (%s)', (one, other) => {
  expect([likenessOf(one)(other), likenessOf(other)(one)]).toEqual([true, true])
})

test.each([
  ['Ann', 'Anna'],
  ['Анна', 'Anna'],
  ['Вова', 'Bob'],
  ['Νίκος', 'Nikos'],
])('%s is not taken for %s', (one, other) => {
  expect(likenessOf(one)(other)).toBe(false)
})

test('whatever a client asks for: a nickname is a resourcepart as it is, and its key is stable', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (text) => {
      expect(keyOf(keyOf(text))).toBe(keyOf(text))
      let nick: string
      try {
        nick = parseJid('room@groups.example').withResource(text).resource
      } catch {
        return
      }
      if (!isNickname(nick)) return
      expect(nick.trim()).toBe(nick)
      expect(Buffer.byteLength(nick)).toBeLessThanOrEqual(128)
    }),
    { numRuns: 3_000 },
  )
})
