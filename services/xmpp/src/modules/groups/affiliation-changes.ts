/** XEP-0045 §5.2.2, §9 and §10: who may make what of whom. */
import type { Jid } from '@sealpost/jid'
import { refuse } from './refusals.ts'
import type { Affiliated, Affiliation } from './store.ts'

export interface AffiliationChange {
  /** Bare. */
  readonly jid: Jid
  /** What it is now. */
  readonly was: Affiliated | undefined
  readonly wanted: Affiliation | 'none'
}

/** Of owners, admins and members; and of those who are banned. */
const AFFILIATED_MAX = 500
const RANKS = { outcast: 0, none: 0, member: 1, admin: 2, owner: 3 } as const

export function isAdmin({ affiliation }: Affiliated): boolean {
  return affiliation === 'owner' || affiliation === 'admin'
}

/** Throws what is answered when one of the changes may not be made. All of them are made, or none. */
export function checkChanges(
  actor: Affiliated,
  changes: readonly AffiliationChange[],
  all: readonly Affiliated[],
): void {
  if (!isAdmin(actor)) throw refuse.notAdmin()
  for (const { jid, was, wanted } of changes) {
    const rank = Math.max(RANKS[was?.affiliation ?? 'none'], RANKS[wanted])
    // XEP-0045 §9.1, §9.2: an admin has no say about admins and owners, and makes none
    if (actor.affiliation === 'admin' && rank >= RANKS.admin && !jid.equals(actor.jid))
      throw refuse.higherUp()
    if (!jid.equals(actor.jid)) continue
    if (wanted === 'outcast') throw refuse.self()
    if (RANKS[wanted] > RANKS[actor.affiliation]) throw refuse.higherUp()
  }
  const after = afterwards(changes, all)
  if (!after.includes('owner')) throw refuse.lastOwner() // XEP-0045 §10.4
  const outcasts = after.filter((each) => each === 'outcast').length
  const grown = after.length > all.length
  if (grown && (outcasts > AFFILIATED_MAX || after.length - outcasts > AFFILIATED_MAX))
    throw refuse.tooManyAffiliated()
}

function afterwards(changes: readonly AffiliationChange[], all: readonly Affiliated[]): Affiliation[] {
  const found = new Map<string, Affiliation | 'none'>(
    all.map(({ jid, affiliation }) => [jid.toString(), affiliation]),
  )
  for (const { jid, wanted } of changes) found.set(jid.toString(), wanted)
  return [...found.values()].filter((each) => each !== 'none')
}
