/** XEP-0045 §8, §9 and §10 as requests (muc#admin): lists of affiliations and roles, and changes of them. Reasons are not passed on, since the server could read them. */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { type Element, element, NS_MUC_ADMIN } from '@sealpost/stanza'
import { isAdmin } from './affiliation-changes.ts'
import type { GroupRequest } from './group-request.ts'
import type { Memberships, WantedAffiliation } from './memberships.ts'
import { roleOf } from './occupant-presence.ts'
import { refuse } from './refusals.ts'
import type { Room } from './room.ts'
import { type Affiliated, type Affiliation, affiliations } from './store.ts'

/** Items of one request. */
const ITEMS_MAX = 500
const ROLES = ['moderator', 'participant', 'visitor', 'none'] as const

/** XEP-0045 §9.5 to §10.8: who is what. Members may know who belongs to the group, since they encrypt for them. */
export function list({ room, member, query }: GroupRequest): Element {
  const [item, ...others] = query.childrenNamed('item')
  if (!item || others.length > 0) throw refuse.malformed()
  const { affiliation, role } = item.attrs
  if (affiliation !== undefined) {
    const wanted = affiliations.find((each) => each === affiliation)
    if (!wanted) throw refuse.malformed()
    if (wanted === 'outcast' && !isAdmin(member)) throw refuse.notAdmin()
    const found = room.affiliated.filter((each) => each.affiliation === wanted)
    return answer(found.map((each) => itemOf(each)))
  }
  if (role === undefined || !ROLES.some((each) => each === role)) throw refuse.malformed()
  if (!isAdmin(member)) throw refuse.notAdmin()
  const present = room.affiliated.filter(
    (each) => room.occupantOf(each.jid) && roleOf(each.affiliation) === role,
  )
  return answer(present.map((each) => itemOf(each, role)))
}

function answer(items: readonly Element[]): Element {
  return element('query', NS_MUC_ADMIN, {}, ...items)
}

function itemOf({ jid, affiliation, nick }: Affiliated, role?: string): Element {
  return element('item', NS_MUC_ADMIN, { affiliation, jid: jid.toString(), nick, role })
}

/** Of affiliations by address, or of roles by nickname; not both in one request (XEP-0045 §9.2). */
export async function change(
  memberships: Memberships,
  { room, session, query }: GroupRequest,
): Promise<undefined> {
  const items = query.childrenNamed('item')
  if (items.length === 0 || items.length > ITEMS_MAX) throw refuse.malformed()
  const actor = session.jid.bare
  const ofRoles = items.filter(({ attrs }) => attrs['role'] !== undefined)
  if (ofRoles.length === 0) {
    const wanted = items.map((item) => readAffiliation(room, item))
    if (new Set(wanted.map(({ jid }) => jid.toString())).size < wanted.length) throw refuse.malformed()
    await memberships.pace(session, room, wanted.length)
    await memberships.change(room, actor, wanted)
    return undefined
  }
  if (ofRoles.length < items.length || items.some(({ attrs }) => attrs['affiliation'] !== undefined))
    throw refuse.malformed()
  const kicked = items.filter((item) => readRole(room, item) === 'none').map(nickOf)
  if (new Set(kicked).size < kicked.length) throw refuse.malformed()
  await memberships.pace(session, room, kicked.length)
  await memberships.kick(room, actor, kicked)
  return undefined
}

function readAffiliation(room: Room, item: Element): WantedAffiliation {
  const { affiliation, jid, nick } = item.attrs
  const wanted: Affiliation | 'none' | undefined =
    affiliation === 'none' ? 'none' : affiliations.find((each) => each === affiliation)
  if (wanted === undefined) throw refuse.malformed()
  if (jid !== undefined) return { jid: readJid(jid), affiliation: wanted }
  const found = nick === undefined ? undefined : room.byNick(nick) // XEP-0045 §9.1 names occupants so
  if (!found) throw nick === undefined ? refuse.malformed() : refuse.noRoom()
  return { jid: found.jid, affiliation: wanted }
}

/** Accounts, here or elsewhere; not a domain, nor a group. */
function readJid(text: string): Jid {
  try {
    const jid = parseJid(text).bare
    if (jid.local === '') throw refuse.jid()
    return jid
  } catch (error) {
    throw error instanceof JidError ? refuse.jid() : error
  }
}

function nickOf({ attrs }: Element): string {
  const { nick } = attrs
  if (nick === undefined) throw refuse.malformed()
  return nick
}

/** XEP-0045 §8: `none` kicks; every other role follows from the affiliation. */
function readRole(room: Room, item: Element): string {
  const { role } = item.attrs
  const target = room.byNick(nickOf(item))
  if (!target) throw refuse.noRoom()
  if (!ROLES.some((each) => each === role)) throw refuse.malformed()
  if (role !== 'none' && role !== roleOf(target.affiliation)) throw refuse.fixedRole()
  return role ?? ''
}
