/** Roster items on the wire (RFC 6121 §2.1.2): reading a roster set strictly, writing items and pushes. */
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { type Element, element, NS_ROSTER, StanzaError } from '@sealpost/stanza'
import type { RosterItem } from './store.ts'
import { subscriptionValue } from './subscription.ts'

const NAME_BYTES_MAX = 1023
const GROUPS_MAX = 50

const refuse = {
  notOneItem: () => new StanzaError('modify', 'bad-request'), // RFC 6121 §2.3.3
  noJid: () => new StanzaError('modify', 'bad-request'),
  badJid: () => new StanzaError('modify', 'jid-malformed'),
  groupTwice: () => new StanzaError('modify', 'bad-request'), // RFC 6121 §2.3.3
  groupEmpty: () => new StanzaError('modify', 'not-acceptable'), // RFC 6121 §2.3.3
  tooLong: () => new StanzaError('modify', 'not-acceptable'), // RFC 6121 §2.3.3
} as const

export type RosterSet =
  | { readonly kind: 'remove'; readonly contact: Jid }
  | {
      readonly kind: 'put'
      readonly contact: Jid
      readonly name: string | undefined
      readonly groups: readonly string[]
    }

/** Reads the query of a roster set; throws StanzaError as RFC 6121 §2.3.3 says. */
export function readRosterSet(query: Element): RosterSet {
  const items = query.elements()
  const item = items[0]
  if (!item?.is('item', NS_ROSTER) || items.length !== 1) throw refuse.notOneItem()
  const contact = readContact(item)
  if (item.attrs['subscription'] === 'remove') return { kind: 'remove', contact } // RFC 6121 §2.5.1
  const { name } = item.attrs
  if (name !== undefined && Buffer.byteLength(name) > NAME_BYTES_MAX) throw refuse.tooLong()
  return { kind: 'put', contact, name: name === '' ? undefined : name, groups: readGroups(item) }
}

/** RFC 6121 §2.1.2.3: the item stands for the contact as a whole, so a resourcepart is not kept. */
function readContact(item: Element): Jid {
  const { jid } = item.attrs
  if (jid === undefined) throw refuse.noJid()
  try {
    return parseJid(jid).bare
  } catch (error) {
    if (error instanceof JidError) throw refuse.badJid()
    throw error
  }
}

function readGroups(item: Element): string[] {
  const groups = item.childrenNamed('group').map((group) => group.text())
  if (groups.length > GROUPS_MAX) throw refuse.tooLong()
  if (new Set(groups).size !== groups.length) throw refuse.groupTwice()
  for (const group of groups) {
    if (group === '') throw refuse.groupEmpty()
    if (Buffer.byteLength(group) > NAME_BYTES_MAX) throw refuse.tooLong()
  }
  return groups
}

export function itemElement(item: RosterItem): Element {
  const attrs = {
    jid: item.contact.toString(),
    name: item.name,
    subscription: subscriptionValue(item),
    ask: item.ask ? 'subscribe' : undefined, // RFC 6121 §2.1.2.2
    approved: item.approved ? 'true' : undefined, // RFC 6121 §2.1.2.1
  }
  return element(
    'item',
    NS_ROSTER,
    attrs,
    ...item.groups.map((group) => element('group', NS_ROSTER, {}, group)),
  )
}

export function removedElement(contact: Jid): Element {
  return element('item', NS_ROSTER, { jid: contact.toString(), subscription: 'remove' })
}
