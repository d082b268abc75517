/** Presence as a group sends it (XEP-0045 §7.2.2): from an occupant, with what it is there, its address, since groups are not anonymous, and its occupant id (XEP-0421). */
import {
  type Element,
  element,
  NS_CAPS,
  NS_CLIENT,
  NS_MUC_USER,
  NS_OCCUPANT_ID,
  NS_VCARD_UPDATE,
} from '@sealpost/stanza'
import { addressable, type Session } from '../../core/module.ts'
import type { Occupant, Room } from './room.ts'
import type { Affiliated, Affiliation } from './store.ts'

/** Of what a client shows: it is multiplied by the number of those who see it. */
const SHOWN_CHARS_MAX = 4_096
const SHOWN = new Map([
  ['show', NS_CLIENT],
  ['status', NS_CLIENT],
  ['c', NS_CAPS],
  ['x', NS_VCARD_UPDATE],
])

/** XEP-0045 §15.6.2: what a presence is about. */
export type StatusCode = 100 | 110 | 201 | 210 | 301 | 303 | 307 | 321 | 333

/** What of a presence others in a group see; undefined when it is too big. */
export function shownOf(presence: Element): readonly Element[] | undefined {
  const shown = presence.elements().filter(({ name, ns }) => SHOWN.get(name) === ns)
  const length = shown.reduce((sum, each) => sum + each.toString().length, 0)
  return length > SHOWN_CHARS_MAX ? undefined : shown
}

/** XEP-0045 §5.1: in an unmoderated group it follows from the affiliation. */
export function roleOf(affiliation: Affiliation): 'moderator' | 'participant' | 'none' {
  if (affiliation === 'outcast') return 'none'
  return affiliation === 'member' ? 'participant' : 'moderator'
}

export interface Gone {
  readonly affiliation: Affiliation | 'none'
  readonly codes?: readonly StatusCode[]
  /** The nickname it has from now on (XEP-0045 §7.6). */
  readonly nick?: string
  /** XEP-0045 §10.9 */
  readonly destroy?: Element
}

/** Of an occupant that is there. */
export function available(
  room: Room,
  occupant: Occupant,
  member: Affiliated,
  codes: readonly StatusCode[] = [],
) {
  const [[session, shown] = []] = occupant.sessions
  const item = element('item', NS_MUC_USER, {
    affiliation: member.affiliation,
    role: roleOf(member.affiliation),
    jid: session?.jidText ?? member.jid.toString(),
  })
  return from(room, occupant.nick, member.accountId, {}, shown ?? [], [item, ...statuses(codes)])
}

/** Of one that is there no more. */
export function unavailable(
  room: Room,
  occupant: Occupant,
  member: Affiliated,
  gone: Gone,
  own: boolean,
): Element {
  const [session] = occupant.sessions.keys()
  const item = element('item', NS_MUC_USER, {
    affiliation: gone.affiliation,
    role: gone.nick === undefined ? 'none' : roleOf(member.affiliation),
    jid: session?.jidText ?? member.jid.toString(),
    nick: gone.nick,
  })
  const codes = [...(gone.codes ?? []), ...(own ? [110 as const] : [])]
  const about = [item, ...(gone.destroy ? [gone.destroy] : []), ...statuses(codes)]
  return from(room, occupant.nick, member.accountId, { type: 'unavailable' }, [], about)
}

/** XEP-0045 §7.2.12: to a session that believes that it is in the group. */
export function notThere(room: string, nick: string): Element {
  const item = element('item', NS_MUC_USER, { affiliation: 'none', role: 'none' })
  const about = element('x', NS_MUC_USER, {}, item, ...statuses([110, 307, 333]))
  return element('presence', NS_CLIENT, { type: 'unavailable', from: `${room}/${nick}` }, about)
}

function from(
  room: Room,
  nick: string,
  accountId: string | undefined,
  attrs: { readonly type?: string },
  shown: readonly Element[],
  about: readonly Element[],
): Element {
  return element(
    'presence',
    NS_CLIENT,
    { ...attrs, from: `${room.jidText}/${nick}` },
    ...shown,
    element('x', NS_MUC_USER, {}, ...about),
    element('occupant-id', NS_OCCUPANT_ID, { id: room.occupantId(accountId ?? '') }),
  )
}

function statuses(codes: readonly StatusCode[]): Element[] {
  return codes.map((code) => element('status', NS_MUC_USER, { code: String(code) }))
}

/** To one session. */
export function show(session: Session, presence: Element): void {
  session.send(addressable(presence)(session.jidText))
}
