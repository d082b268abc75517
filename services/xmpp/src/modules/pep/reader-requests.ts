/** What anybody may ask of an account's nodes (XEP-0060 §5 and §6.5), as far as each node's access model allows. */
import {
  attributesToString,
  Element,
  element,
  NS_DISCO_INFO,
  NS_DISCO_ITEMS,
  NS_PUBSUB,
} from '@sealpost/stanza'
import type { AccountRef, Provided, Session } from '../../core/module.ts'
import { refuse } from './errors.ts'
import { nodeName } from './owner-requests.ts'
import type { PepItem, PepNode, PepStore } from './store.ts'

/** UTF-16 units of the items of one answer: clients bound what they take, too. */
const ANSWER_LENGTH_MAX = 512 * 1024

export class ReaderRequests {
  readonly #store: PepStore
  readonly #roster: Provided['roster']
  readonly #itemsMax: number

  constructor(store: PepStore, roster: Provided['roster'], itemsMax: number) {
    this.#store = store
    this.#roster = roster
    this.#itemsMax = itemsMax
  }

  /** XEP-0060 §6.5: by id, the newest, or all. */
  async items(owner: AccountRef, session: Session, request: Element): Promise<Element> {
    const name = nodeName(request)
    await this.readable(owner, session, name)
    const wanted = request.childrenNamed('item')
    if (wanted.length > this.#itemsMax) throw refuse.badRequest()
    const query =
      wanted.length > 0
        ? { ids: wanted.map((item) => item.attrs['id'] ?? '') }
        : { max: readMaxItems(request.attrs['max_items'], this.#itemsMax) }
    const found = await this.#store.items(owner.id, name, query)
    return itemsAnswer(name, newest(found), found.length)
  }

  /** The node, if this session may read it. Throws StanzaError; strangers cannot tell why. */
  async readable(owner: AccountRef, session: Session, name: string): Promise<PepNode> {
    const node = await this.#store.node(owner.id, name)
    if (session.account.id === owner.id) {
      if (!node) throw refuse.noNode()
      return node
    }
    if (node?.config.accessModel === 'open') return node
    if (!(await this.#roster.isSubscriber(owner, session.jid))) throw refuse.hidden()
    if (!node) throw refuse.noNode()
    if (node.config.accessModel === 'whitelist') throw refuse.closed()
    return node
  }

  /** XEP-0060 §5.2: the nodes that a session may see; only asked for those who see the account's presence. */
  async nodeItems(owner: AccountRef, session: Session): Promise<Element[]> {
    const isOwner = session.account.id === owner.id
    const nodes = await this.#store.nodes(owner.id)
    const jid = owner.jid.toString()
    return nodes
      .filter(({ config }) => isOwner || config.accessModel !== 'whitelist')
      .map(({ node }) => element('item', NS_DISCO_ITEMS, { jid, node }))
  }

  /** XEP-0060 §5.5 */
  async itemNames(owner: AccountRef, session: Session, name: string): Promise<Element[]> {
    await this.readable(owner, session, name)
    const ids = await this.#store.itemIds(owner.id, name)
    return ids.map((id) => element('item', NS_DISCO_ITEMS, { jid: owner.jid.toString(), name: id }))
  }

  /** XEP-0060 §5.3 */
  async nodeInfo(owner: AccountRef, session: Session, name: string): Promise<Element[]> {
    await this.readable(owner, session, name)
    return [
      element('identity', NS_DISCO_INFO, { category: 'pubsub', type: 'leaf' }),
      element('feature', NS_DISCO_INFO, { var: NS_PUBSUB }),
    ]
  }
}

/** XEP-0060 §6.5.7 */
function readMaxItems(text: string | undefined, itemsMax: number): number {
  if (text === undefined) return itemsMax
  if (!/^\d{1,9}$/.test(text)) throw refuse.badRequest()
  return Math.max(1, Math.min(itemsMax, Number.parseInt(text, 10)))
}

/** The newest items that fit into one answer, at least one. */
function newest(items: readonly PepItem[]): readonly PepItem[] {
  let length = 0
  const start = items.findLastIndex(
    (item) => (length += item.payload.length + item.id.length) > ANSWER_LENGTH_MAX,
  )
  return start < 0 ? items : items.slice(Math.min(start + 1, items.length - 1))
}

/** Payloads are stored as the XML text that is sent, so they are not parsed for an answer. */
function itemsAnswer(node: string, items: readonly PepItem[], found: number): Element {
  const inner = items
    .map(({ id, payload }) => `<item${attributesToString({ id })}>${payload}</item>`)
    .join('')
  // XEP-0060 §6.5.4: says that there are more; their ids are found by XEP-0060 §5.5.
  const more =
    items.length === found ? '' : `<set xmlns='http://jabber.org/protocol/rsm'><count>${found}</count></set>`
  const xml = `<pubsub xmlns='${NS_PUBSUB}'><items${attributesToString({ node })}>${inner}</items>${more}</pubsub>`
  return new Element('pubsub', NS_PUBSUB, {}, [], xml)
}
