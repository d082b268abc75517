/** What the owner does with nodes and items (XEP-0060 §7 and §8). One request of an account at a time. */
import { type Element, element, NS_DATA, NS_PUBSUB, NS_PUBSUB_OWNER, StanzaError } from '@sealpost/stanza'
import { JID_PART_BYTES_MAX } from '@sealpost/jid'
import type { BudgetRate, MaybePromise, Random } from '@sealpost/runtime'
import { refuse } from './errors.ts'
import type { ForeignNode } from './import-nodes.ts'
import { knownNode } from './known-nodes.ts'
import {
  configForm,
  defaultConfig,
  FORM_NODE_CONFIG,
  FORM_PUBLISH_OPTIONS,
  meets,
  readConfigForm,
  type Refusals,
} from './node-config.ts'
import type { Notifications } from './notifications.ts'
import {
  itemCost,
  type NodeConfig,
  type PepItem,
  type PepNode,
  type PepStore,
  type SubscriptionLimits,
} from './store.ts'
import { type AccountRef, Turns } from '../../core/module.ts'

export interface PepLimits extends SubscriptionLimits {
  readonly nodesMax: number
  /** Items of one node. */
  readonly itemsMax: number
  /** Bytes of one payload. */
  readonly itemBytesMax: number
  /** Bytes of all items of an account. */
  readonly bytesMax: number
  /** Bytes that one session may publish: each publication is multiplied by the number of readers. */
  readonly publishBytes: BudgetRate
}

/** Bytes of a node's name. */
const NAME_BYTES_MAX = 512
/** Bytes of an item's id, which may be a bare JID (XEP-0402 §3, XEP-0490 §3). With the node's name it is a key of Postgres, which ends at 2,704. */
const ID_BYTES_MAX = 2 * JID_PART_BYTES_MAX + 1

const configRefusals: Refusals = { option: refuse.option, accessModel: refuse.accessModel }
const optionRefusals: Refusals = { option: refuse.precondition, accessModel: refuse.precondition }

export class OwnerRequests {
  readonly #store: PepStore
  readonly #notifications: Notifications
  readonly #limits: PepLimits
  readonly #random: Random
  readonly #turns = new Turns()

  constructor(store: PepStore, notifications: Notifications, limits: PepLimits, random: Random) {
    this.#store = store
    this.#notifications = notifications
    this.#limits = limits
    this.#random = random
  }

  /** XEP-0060 §7.1. `charge` refuses a session that publishes too much. */
  publish(
    owner: AccountRef,
    pubsub: Element,
    publish: Element,
    charge: (bytes: number) => void,
  ): Promise<Element> {
    const name = nodeName(publish)
    const item = this.#readItem(name, publish)
    charge(itemCost(item))
    const form = pubsub.child('publish-options')?.child('x', NS_DATA)
    const options = form
      ? readConfigForm(form, FORM_PUBLISH_OPTIONS, this.#limits.itemsMax, optionRefusals)
      : {}
    return this.#turns.take(owner.id, async () => {
      const existing = await this.#store.node(owner.id, name)
      if (existing && !meets(existing.config, options)) throw refuse.precondition()
      const node = existing ?? (await this.#newNode(owner, name, options, refuse.precondition))
      await this.#keep(owner, node, item, existing !== undefined)
      await this.#notifications.changed(owner, name)
      await this.#notifications.published(owner, name, node.config, item)
      const answer = element(
        'publish',
        NS_PUBSUB,
        { node: name },
        element('item', NS_PUBSUB, { id: item.id }),
      )
      return element('pubsub', NS_PUBSUB, {}, answer)
    })
  }

  /** Items that are not here, on a node that is or is made; of an account that nobody is signed in to. How many were taken, and not. */
  adopt(
    owner: AccountRef,
    { node: name, config, items }: ForeignNode,
  ): Promise<{ items: number; refused: number }> {
    return this.#turns.take(owner.id, async () => {
      const node = await this.#adoptNode(owner, name, config)
      if (node === undefined) return { items: 0, refused: items.length }
      const here = new Set(await this.#store.itemIds(owner.id, name))
      const missing = items.filter(({ attrs }) => !here.has(attrs['id'] ?? ''))
      let taken = 0
      for (const item of missing.slice(-node.config.maxItems)) {
        const read = await orUndefined(() => this.#readForeign(node, item))
        if (read && (await this.#store.put(owner.id, node, read, this.#limits.bytesMax))) taken++
      }
      await this.#notifications.changed(owner, name)
      return { items: taken, refused: missing.length - taken }
    })
  }

  /** Without an id of its own, an item would be another one each time. */
  #readForeign({ node, config }: PepNode, item: Element): PepItem | undefined {
    if (!config.persistItems || (item.attrs['id'] ?? '') === '') return undefined
    return this.#readItem(node, element('publish', NS_PUBSUB, { node }, item))
  }

  /** Undefined: there is no room for it, or it has no name that a client could have given. */
  async #adoptNode(
    owner: AccountRef,
    name: string,
    config: Partial<NodeConfig>,
  ): Promise<PepNode | undefined> {
    if (name === '' || Buffer.byteLength(name) > NAME_BYTES_MAX) return undefined
    const existing = await this.#store.node(owner.id, name)
    if (existing) return existing
    const node = await orUndefined(() => this.#newNode(owner, name, config, refuse.accessModel))
    if (node) await this.#store.saveNode(owner.id, node)
    return node
  }

  async #keep(owner: AccountRef, node: PepNode, item: PepItem, exists: boolean): Promise<void> {
    if (node.config.persistItems) {
      if (!(await this.#store.put(owner.id, node, item, this.#limits.bytesMax))) throw refuse.full()
    } else if (!exists) {
      await this.#store.saveNode(owner.id, node)
    }
  }

  #readItem(node: string, publish: Element): PepItem {
    const items = publish.elements()
    const [item] = items
    if (!item?.is('item', NS_PUBSUB)) throw refuse.itemRequired()
    if (items.length > 1) throw refuse.tooManyItems()
    const [payload, ...others] = item.elements()
    if (!payload) throw refuse.payloadRequired()
    if (others.length > 0 || item.text().trim() !== '') throw refuse.invalidPayload()
    checkPayload(node, payload)
    const xml = payload.toString('')
    if (Buffer.byteLength(xml) > this.#limits.itemBytesMax) throw refuse.payloadTooBig()
    return { id: this.#itemId(item), payload: xml }
  }

  /** XEP-0060 §7.1.2: the publisher's choice, or ours. */
  #itemId(item: Element): string {
    const { id } = item.attrs
    if (id === undefined || id === '') return this.#random.token(12)
    if (Buffer.byteLength(id) > ID_BYTES_MAX) throw refuse.nameTooLong()
    return id
  }

  async #newNode(
    owner: AccountRef,
    node: string,
    options: Partial<NodeConfig>,
    refusal: () => StanzaError,
  ): Promise<PepNode> {
    const ownerOnly = knownNode(node)?.ownerOnly === true
    const base: NodeConfig = ownerOnly ? { ...defaultConfig, accessModel: 'whitelist' } : defaultConfig
    const config = { ...base, ...options }
    if (ownerOnly && config.accessModel !== 'whitelist') throw refusal()
    const { nodes } = await this.#store.usage(owner.id)
    if (nodes >= this.#limits.nodesMax) throw refuse.tooManyNodes()
    return { node, config }
  }

  /** XEP-0060 §7.2 */
  retract(owner: AccountRef, retract: Element): Promise<undefined> {
    const name = nodeName(retract)
    const [item, ...others] = retract.elements()
    const id = item?.is('item', NS_PUBSUB) === true ? item.attrs['id'] : undefined
    if (id === undefined || others.length > 0) throw refuse.itemRequired() // XEP-0060 §7.2.3.4
    const notify = retract.attrs['notify'] === 'true' || retract.attrs['notify'] === '1'
    return this.#turns.take(owner.id, async () => {
      const { config } = await this.#existing(owner, name)
      if (!(await this.#store.retract(owner.id, name, id))) throw refuse.noItem()
      await this.#notifications.changed(owner, name, id)
      if (notify || config.notifyRetract) await this.#notifications.retracted(owner, name, config, id)
      return undefined
    })
  }

  /** XEP-0060 §8.1 */
  create(owner: AccountRef, pubsub: Element, create: Element): Promise<undefined> {
    if (create.attrs['node'] === undefined) throw refuse.instantNode()
    const name = nodeName(create)
    const form = pubsub.child('configure')?.child('x', NS_DATA)
    const options = form ? readConfigForm(form, FORM_NODE_CONFIG, this.#limits.itemsMax, configRefusals) : {}
    return this.#turns.take(owner.id, async () => {
      if (await this.#store.node(owner.id, name)) throw refuse.nodeExists()
      await this.#store.saveNode(owner.id, await this.#newNode(owner, name, options, refuse.accessModel))
      return undefined
    })
  }

  /** XEP-0060 §8.2.2 */
  async configuration(owner: AccountRef, configure: Element): Promise<Element> {
    const name = nodeName(configure)
    const { config } = await this.#existing(owner, name)
    const form = configForm(config, this.#limits.itemsMax)
    return element('pubsub', NS_PUBSUB_OWNER, {}, element('configure', NS_PUBSUB_OWNER, { node: name }, form))
  }

  /** XEP-0060 §8.3 */
  defaults(): Element {
    const form = configForm(defaultConfig, this.#limits.itemsMax)
    return element('pubsub', NS_PUBSUB_OWNER, {}, element('default', NS_PUBSUB_OWNER, {}, form))
  }

  /** XEP-0060 §8.2.4 */
  configure(owner: AccountRef, configure: Element): Promise<undefined> {
    const name = nodeName(configure)
    const form = configure.child('x', NS_DATA)
    if (!form) throw refuse.badRequest()
    const cancelled = form.attrs['type'] === 'cancel' // XEP-0060 §8.2.3
    const options = cancelled
      ? {}
      : readConfigForm(form, FORM_NODE_CONFIG, this.#limits.itemsMax, configRefusals)
    return this.#turns.take(owner.id, async () => {
      const existing = await this.#existing(owner, name)
      const config = { ...existing.config, ...options }
      if (knownNode(name)?.ownerOnly && config.accessModel !== 'whitelist') throw refuse.accessModel()
      await this.#store.saveNode(owner.id, { node: name, config })
      return undefined
    })
  }

  /** XEP-0060 §8.5 */
  purge(owner: AccountRef, purge: Element): Promise<undefined> {
    const name = nodeName(purge)
    return this.#turns.take(owner.id, async () => {
      const { config } = await this.#existing(owner, name)
      await this.#store.purge(owner.id, name)
      await this.#notifications.changed(owner, name)
      if (config.notifyRetract) await this.#notifications.purged(owner, name, config)
      return undefined
    })
  }

  /** XEP-0060 §8.4 */
  delete(owner: AccountRef, deletion: Element): Promise<undefined> {
    const name = nodeName(deletion)
    return this.#turns.take(owner.id, async () => {
      const node = await this.#existing(owner, name)
      const subscribers = await this.#store.subscribers(owner.id, name)
      await this.#store.deleteNode(owner.id, name)
      await this.#notifications.changed(owner, name)
      if (node.config.notifyDelete) await this.#notifications.deleted(owner, node, subscribers)
      return undefined
    })
  }

  erase(accountId: string): Promise<void> {
    return this.#turns.take(accountId, () => this.#store.erase(accountId))
  }

  async #existing(owner: AccountRef, name: string): Promise<PepNode> {
    const node = await this.#store.node(owner.id, name)
    if (!node) throw refuse.noNode()
    return node
  }
}

/** Undefined for what a client would have been refused. */
async function orUndefined<T>(attempt: () => MaybePromise<T>): Promise<T | undefined> {
  try {
    return await attempt()
  } catch (error) {
    if (error instanceof StanzaError) return undefined
    throw error
  }
}

/** The `node` attribute; throws StanzaError when it is missing or too long. */
export function nodeName(request: Element): string {
  const { node } = request.attrs
  if (node === undefined || node === '') throw refuse.nodeRequired()
  if (Buffer.byteLength(node) > NAME_BYTES_MAX) throw refuse.nameTooLong()
  return node
}

/** XEP-0060 §7.1.3.5: a payload has a namespace of its own, and the one that its node is known for. */
function checkPayload(node: string, payload: Element): void {
  if (payload.ns === '' || payload.ns === NS_PUBSUB || payload.ns === 'jabber:client')
    throw refuse.invalidPayload()
  const known = knownNode(node)
  if (known && !payload.is(known.name, known.ns)) throw refuse.invalidPayload()
}
