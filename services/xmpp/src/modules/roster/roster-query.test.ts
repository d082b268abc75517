import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { element, NS_ROSTER, readElement, StanzaError } from '@sealpost/stanza'
import { itemElement, readRosterSet } from './roster-query.ts'

function query(inner: string) {
  return readElement(`<query xmlns='${NS_ROSTER}'>${inner}</query>`)
}

test('reads what RFC 6121 §2.1.2 has, and ignores what the server decides', () => {
  const xml = `<item jid='Nurse@Example.ORG/attic' name='N' subscription='both' ask='subscribe' approved='true'><group>a</group><x xmlns='urn:x'/></item>`
  const set = readRosterSet(query(xml))
  expect(set).toMatchObject({ kind: 'put', name: 'N', groups: ['a'] })
  expect(String(set.contact)).toBe('nurse@example.org')
  expect(readRosterSet(query(`<item jid='a@b' subscription='remove'><group/></item>`)).kind).toBe('remove')
})

test('whatever comes is read within bounds, and read back the same, or refused with a stanza error', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ minLength: 1000, maxLength: 1030 }),
    fc.constant(''),
  )
  const jid = fc.oneof(text, fc.constantFrom('a@b', 'a@b/c', 'b', '@', 'a@', '/x', 'a@b@c'))
  const group = text.map((value) => element('group', NS_ROSTER, {}, value))
  const item = fc
    .tuple(jid, fc.option(text), fc.array(group, { maxLength: 55 }))
    .map(([address, name, groups]) =>
      element('item', NS_ROSTER, { jid: address, name: name ?? undefined }, ...groups),
    )
  const items = fc.oneof(fc.tuple(item), fc.array(item, { maxLength: 3 }))
  fc.assert(
    fc.property(items, (list) => {
      try {
        const set = readRosterSet(element('query', NS_ROSTER, {}, ...list))
        if (set.kind === 'remove') return
        expect(
          [...set.groups, set.name ?? 'x'].every((each) => each !== '' && Buffer.byteLength(each) <= 1023),
        ).toBe(true)
        const state = { to: false, from: false, ask: false, pendingIn: false, approved: false }
        const shown = itemElement({ ...set, ...state, contactAccountId: undefined, listed: true })
        expect(readRosterSet(element('query', NS_ROSTER, {}, shown))).toEqual(set)
      } catch (error) {
        if (!(error instanceof StanzaError)) throw error
      }
    }),
    { interruptAfterTimeLimit: 3000 },
  )
})
