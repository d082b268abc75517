/** Whatever is asked by whom: a group keeps an owner, and nobody rises by their own word or touches who is above. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseJid } from '@sealpost/jid'
import { StanzaError } from '@sealpost/stanza'
import { checkChanges } from './affiliation-changes.ts'
import { type Affiliated, type Affiliation, affiliations } from './store.ts'

const RANK = { outcast: -1, none: 0, member: 1, admin: 2, owner: 3 } as const
const names = ['ann', 'bob', 'cid', 'dan', 'eve']
const jidOf = (name: string) => parseJid(`${name}@localhost`)

function affiliated(name: string, affiliation: Affiliation): Affiliated {
  return { jid: jidOf(name), accountId: name, affiliation, nick: undefined, entered: true }
}

const group = fc
  .array(fc.constantFrom('none' as const, ...affiliations), {
    minLength: names.length,
    maxLength: names.length,
  })
  .filter((each) => each.includes('owner'))
const wanted = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...names),
    affiliation: fc.constantFrom('none' as const, ...affiliations),
  }),
  { selector: ({ name }) => name, minLength: 1 },
)

test('checkChanges', () => {
  let allowed = 0
  fc.assert(
    fc.property(group, fc.constantFrom(...names), wanted, (states, actorName, requests) => {
      const all = names.flatMap((name, index) => {
        const state = states[index] ?? 'none'
        return state === 'none' ? [] : [affiliated(name, state)]
      })
      const of = (name: string) => all.find(({ jid }) => jid.equals(jidOf(name)))
      const actor = of(actorName)
      if (!actor) return
      const changes = requests.map(({ name, affiliation }) => ({
        jid: jidOf(name),
        was: of(name),
        wanted: affiliation,
      }))
      try {
        checkChanges(actor, changes, all)
      } catch (error) {
        expect(error).toBeInstanceOf(StanzaError)
        return
      }
      allowed++
      expect(RANK[actor.affiliation]).toBeGreaterThanOrEqual(RANK.admin)
      const after = new Map(
        all.map(({ jid, affiliation }) => [jid.toString(), affiliation as Affiliation | 'none']),
      )
      for (const { jid, was, wanted: to } of changes) {
        after.set(jid.toString(), to)
        if (jid.equals(actor.jid)) {
          expect(RANK[to]).toBeLessThanOrEqual(RANK[actor.affiliation])
          expect(to).not.toBe('outcast')
        } else if (actor.affiliation === 'admin')
          expect(Math.max(RANK[to], RANK[was?.affiliation ?? 'none'])).toBeLessThan(RANK.admin)
      }
      expect([...after.values()]).toContain('owner')
    }),
    { numRuns: 5_000 },
  )
  expect(allowed).toBeGreaterThan(100)
})

test('a group is full with five hundred who belong to it; who is banned counts apart', () => {
  const owner = affiliated('ann', 'owner')
  const many = Array.from({ length: 499 }, (_, index) => affiliated(`m${String(index)}`, 'member'))
  const change = (to: Affiliation) => [{ jid: jidOf('new'), was: undefined, wanted: to }]
  expect(() => checkChanges(owner, change('member'), [owner, ...many])).toThrow('resource-constraint')
  expect(() => checkChanges(owner, change('outcast'), [owner, ...many])).not.toThrow()
  expect(() => checkChanges(owner, change('member'), [owner, ...many.slice(1)])).not.toThrow()
})
