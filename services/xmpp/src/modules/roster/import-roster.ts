/** The roster as another server knew it: contacts (XEP-0227 §4.3) and requests that were not answered (§4.8). */
import type { Jid } from '@sealpost/jid'
import { tryParseJid } from '@sealpost/jid'
import { type Element, element, NS_CLIENT, NS_ROSTER, StanzaError } from '@sealpost/stanza'
import type { ImportedAccount, ModuleHost } from '../../core/module.ts'
import { readRosterSet } from './roster-query.ts'
import type { RosterLimits } from './roster.ts'
import type { Rosters } from './rosters.ts'
import type { Roster, RosterItem } from './store.ts'
import { noSubscription } from './subscription.ts'

/** Contacts that are here stay as they are. */
export async function importRoster(
  host: ModuleHost,
  rosters: Rosters,
  limits: RosterLimits,
  { owner, parts, taken }: ImportedAccount,
): Promise<undefined> {
  const found = new Map<string, RosterItem>()
  for (const item of parts.filter((part) => part.is('query', NS_ROSTER)).flatMap((part) => part.elements())) {
    const read = readItem(item)
    if (read === undefined || read.contact.equals(owner.jid)) taken.refused++
    else found.set(read.contact.toString(), read)
  }
  for (const part of parts.filter((each) => each.is('presence', NS_CLIENT))) {
    const contact = readRequest(part)
    if (contact === undefined || contact.equals(owner.jid)) taken.refused++
    else found.set(contact.toString(), withRequest(found.get(contact.toString()), contact))
  }
  const items: RosterItem[] = []
  for (const item of found.values()) items.push(await linked(host, item))
  await rosters.adopt(owner, (roster) => {
    const { added, refused } = missing(roster, items, limits)
    taken.contacts += added.filter(({ listed }) => listed).length
    taken.refused += refused
    return added
  })
  return undefined
}

/** Undefined: it is none that a client could have had. */
function readItem(item: Element): RosterItem | undefined {
  try {
    const groups = [...new Set(item.childrenNamed('group').map((group) => group.text()))].filter(Boolean)
    const asked = item.withChildren(groups.map((group) => element('group', NS_ROSTER, {}, group)))
    const read = readRosterSet(element('query', NS_ROSTER, {}, asked))
    if (read.kind === 'remove') return undefined
    const { contact, name } = read
    const base = { contact, contactAccountId: undefined, name, groups: read.groups, listed: true }
    return { ...noSubscription, ...base, ...readSubscription(item) }
  } catch (error) {
    if (error instanceof StanzaError) return undefined
    throw error
  }
}

/** RFC 6121 §2.1.2 */
function readSubscription({ attrs }: Element) {
  const subscription = attrs['subscription']
  const to = subscription === 'to' || subscription === 'both'
  const from = subscription === 'from' || subscription === 'both'
  return {
    to,
    from,
    ask: !to && attrs['ask'] === 'subscribe',
    approved: !from && attrs['approved'] === 'true',
  }
}

function readRequest({ attrs }: Element): Jid | undefined {
  return attrs['type'] === 'subscribe' ? tryParseJid(attrs['from'] ?? '')?.bare : undefined
}

function withRequest(item: RosterItem | undefined, contact: Jid): RosterItem {
  const unlisted = { contact, contactAccountId: undefined, name: undefined, groups: [], listed: false }
  const before = item ?? { ...noSubscription, ...unlisted }
  return { ...before, pendingIn: !before.from }
}

async function linked(host: ModuleHost, item: RosterItem): Promise<RosterItem> {
  const { contact } = item
  const isLocal = host.domains.includes(contact.domain) && contact.local !== ''
  const account = isLocal ? await host.accounts.read(contact) : undefined
  return { ...item, contactAccountId: account?.id }
}

/** Those that are not here, as many as there is room for. A request that has come here waits on. */
function missing({ items: here }: Roster, items: readonly RosterItem[], limits: RosterLimits) {
  const room = { listed: limits.itemsMax, pending: limits.pendingMax }
  for (const { listed } of here.values()) room[listed ? 'listed' : 'pending']--
  const added: RosterItem[] = []
  let refused = 0
  for (const item of items) {
    const before = here.get(item.contact.toString())
    if (before?.listed === true || (before !== undefined && !item.listed)) continue
    if (room[item.listed ? 'listed' : 'pending']-- <= 0) refused++
    else added.push({ ...item, pendingIn: item.pendingIn || (before?.pendingIn === true && !item.from) })
  }
  return { added, refused }
}
