/** XEP-0045 §7.10: the nickname kept for a member (muc#register), and leaving for good (XEP-0077 §3.2). Nobody becomes a member by it. */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { element, type Element, NS_DATA, NS_REGISTER } from '@sealpost/stanza'
import type { GroupRequest } from './group-request.ts'
import type { Memberships } from './memberships.ts'
import type { Occupancy } from './occupancy.ts'
import { refuse } from './refusals.ts'

/** XEP-0045 §15.5.1 */
const FORM_REGISTER = 'http://jabber.org/protocol/muc#register'
const NICK = 'muc#register_roomnick'

export function registered({ member }: GroupRequest): Element {
  const username = member.nick === undefined ? [] : [element('username', NS_REGISTER, {}, member.nick)]
  return element('query', NS_REGISTER, {}, element('registered', NS_REGISTER), ...username, form(member.nick))
}

function form(nick: string | undefined): Element {
  const label = 'Nickname'
  return element(
    'x',
    NS_DATA,
    { type: 'form' },
    element('field', NS_DATA, { var: 'FORM_TYPE', type: 'hidden' }, valueOf(FORM_REGISTER)),
    element(
      'field',
      NS_DATA,
      { var: NICK, type: 'text-single', label },
      element('required', NS_DATA),
      ...(nick === undefined ? [] : [valueOf(nick)]),
    ),
  )
}

function valueOf(text: string): Element {
  return element('value', NS_DATA, {}, text)
}

interface RegisterParts {
  readonly occupancy: Occupancy
  readonly memberships: Memberships
}

export async function register(
  { occupancy, memberships }: RegisterParts,
  { room, session, query }: GroupRequest,
): Promise<undefined> {
  if (query.child('remove')) {
    await memberships.resign(room, session.jid.bare)
    return undefined
  }
  const submitted = query.child('x', NS_DATA)
  if (submitted?.attrs['type'] === 'cancel') return undefined // XEP-0004 §3.1
  const wanted = submitted?.attrs['type'] === 'submit' ? readNick(submitted) : undefined
  if (wanted === undefined) throw refuse.malformed()
  await occupancy.reserve(room, session, asResource(room.jid, wanted))
  return undefined
}

/** Undefined: not the form. Other fields of it mean nothing here. */
function readNick(submitted: Element): string | undefined {
  const fields = submitted.childrenNamed('field')
  const value = (name: string) =>
    fields
      .find(({ attrs }) => attrs['var'] === name)
      ?.child('value')
      ?.text()
  return value('FORM_TYPE') === FORM_REGISTER ? value(NICK) : undefined
}

/** As it stands in the occupant's address (RFC 7622 §3.4). */
function asResource(room: Jid, nick: string): string {
  try {
    return parseJid(`${room.toString()}/${nick}`).resource
  } catch (error) {
    throw error instanceof JidError ? refuse.badNick() : error
  }
}
