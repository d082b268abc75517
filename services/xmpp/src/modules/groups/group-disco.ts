/** XEP-0045 §6: what is told of the service and of groups, to those who belong to them; to everybody else there are none. */
import {
  type Element,
  element,
  NS_DATA,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  NS_MESSAGE_MODERATE,
  NS_MUC,
  NS_MUC_SELF_PING,
  NS_MUC_STABLE_ID,
  NS_OCCUPANT_ID,
  NS_REGISTER,
  NS_SID,
} from '@sealpost/stanza'
import type { AccountRef } from '../../core/module.ts'
import type { GroupRequest } from './group-request.ts'
import { refuse } from './refusals.ts'
import type { GroupStore } from './store.ts'

const COMMON = [NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MUC, NS_MUC_STABLE_ID, NS_OCCUPANT_ID]
const OF_ROOM = [
  ...COMMON,
  'muc_membersonly',
  'muc_nonanonymous',
  'muc_hidden',
  'muc_persistent',
  'muc_unmoderated',
  'muc_unsecured',
  NS_MUC_SELF_PING,
  NS_SID,
  NS_REGISTER,
  NS_MESSAGE_MODERATE,
]
const ROOM_INFO = 'http://jabber.org/protocol/muc#roominfo'
/** XEP-0045 §6.7 */
const OWN_NICK_NODE = 'x-roomuser-item'

export function serviceInfo(node: string | undefined): Element {
  if (node !== undefined) throw refuse.noRoom()
  return element('query', NS_DISCO_INFO, {}, identity('Groups'), ...features(COMMON))
}

/** Groups of the asking account. */
export async function serviceItems(
  store: GroupStore,
  account: AccountRef,
  service: string,
): Promise<Element> {
  const memberships = await store.membershipsOf(account.id)
  const items = memberships
    .filter(({ affiliation, room }) => affiliation !== 'outcast' && room.domain === service)
    .map(({ room, name }) =>
      element('item', NS_DISCO_ITEMS, { jid: room.toString(), name: name === '' ? undefined : name }),
    )
  return element('query', NS_DISCO_ITEMS, {}, ...items)
}

export function roomInfo({ room, member, query }: GroupRequest): Element {
  const { node } = query.attrs
  if (node === OWN_NICK_NODE) {
    const nick = member.nick === undefined ? [] : [identity(member.nick)]
    return element('query', NS_DISCO_INFO, { node }, ...nick)
  }
  if (node !== undefined) throw refuse.noRoom()
  const { name } = room.config
  const form = element(
    'x',
    NS_DATA,
    { type: 'result' },
    field('FORM_TYPE', ROOM_INFO),
    field('muc#roominfo_occupants', String(room.occupants.size)),
    field('muc#roomconfig_roomname', name),
  )
  return element(
    'query',
    NS_DISCO_INFO,
    {},
    identity(name === '' ? room.jid.local : name),
    ...features(OF_ROOM),
    form,
  )
}

/** XEP-0045 §6.5: occupants are seen by being there. */
export function roomItems(): Element {
  return element('query', NS_DISCO_ITEMS)
}

function identity(name: string): Element {
  return element('identity', NS_DISCO_INFO, { category: 'conference', type: 'text', name })
}

function features(names: readonly string[]): Element[] {
  return names.map((name) => element('feature', NS_DISCO_INFO, { var: name }))
}

function field(name: string, value: string): Element {
  const type = name === 'FORM_TYPE' ? 'hidden' : undefined
  return element('field', NS_DATA, { var: name, type }, element('value', NS_DATA, {}, value))
}
