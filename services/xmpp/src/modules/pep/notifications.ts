/** Event notifications (XEP-0060 §7.1.2, XEP-0163 §4): to whom, and the newest items for those who just came. */
import type { Jid } from '@sealpost/jid'
import type { MaybePromise } from '@sealpost/runtime'
import { attributesToString, escapeXml, NS_PUBSUB_EVENT } from '@sealpost/stanza'
import type { AccountRef, ModuleHost, Provided, Session } from '../../core/module.ts'
import type { LastItem, NodeConfig, PepItem, PepNode, PepStore, Subscriber } from './store.ts'

const NOTIFY = '+notify'
/** Nodes that one client is told about. */
const INTERESTS_MAX = 100
/** Contacts looked up at once. */
const CONTACTS_SLICE = 50
/** UTF-16 units sent to one session as it arrives; beyond it the client asks for what it needs. */
const CATCH_UP_LENGTH_MAX = 4 * 1024 * 1024

export interface NotificationsOptions {
  readonly host: ModuleHost
  readonly store: PepStore
  readonly roster: Provided['roster']
  readonly blocking: Provided['blocking']
  readonly caps: Provided['caps']
  readonly fanOut: Provided['fanOut']
}

export class Notifications {
  readonly #options: NotificationsOptions
  /** For each reading of newest items under way, what was published since it began: that is newer and was announced already. */
  readonly #overtaken = new Set<Set<string>>()

  constructor(options: NotificationsOptions) {
    this.#options = options
  }

  /** Tells other modules, whether anybody is to be notified or not. */
  async changed(owner: AccountRef, node: string, retracted?: string): Promise<void> {
    const about = retracted === undefined ? {} : { retracted }
    await this.#options.host.fire('pep/changed', { owner, node, ...about })
  }

  async published(owner: AccountRef, node: string, config: NodeConfig, item: PepItem): Promise<void> {
    await this.#notify(owner, node, config, itemsXml(node, itemXml(item, config)))
  }

  async retracted(owner: AccountRef, node: string, config: NodeConfig, id: string): Promise<void> {
    await this.#notify(owner, node, config, itemsXml(node, `<retract${attributesToString({ id })}/>`))
  }

  async purged(owner: AccountRef, node: string, config: NodeConfig): Promise<void> {
    await this.#notify(owner, node, config, `<purge${attributesToString({ node })}/>`)
  }

  /** Its subscribers are gone with it, and were these. */
  async deleted(
    owner: AccountRef,
    { node, config }: PepNode,
    subscribers: readonly Subscriber[],
  ): Promise<void> {
    await this.#notify(owner, node, config, `<delete${attributesToString({ node })}/>`, subscribers)
  }

  /** XEP-0163 §4.3.2: a session became able to hear of these features' nodes: the newest items of its account and contacts. */
  async catchUp(
    session: Session,
    features: ReadonlySet<string>,
    previous: ReadonlySet<string>,
  ): Promise<void> {
    const nodes = interests(features).filter((node) => !previous.has(node + NOTIFY))
    if (nodes.length === 0) return
    const publishers = await this.#publishers(session)
    let left = CATCH_UP_LENGTH_MAX
    for (let start = 0; start < publishers.length; start += CONTACTS_SLICE) {
      const sent = await this.#sendLast(session, publishers.slice(start, start + CONTACTS_SLICE), nodes, left)
      left -= sent
      if (left <= 0 || session.closed) return
    }
  }

  /** A new subscriber gets the newest items at once (XEP-0163 §4.3.2). */
  async welcome(owner: AccountRef, viewer: AccountRef): Promise<void> {
    const { host, caps } = this.#options
    for (const session of host.sessions.available(viewer.jid)) {
      const nodes = interests(caps.features(session))
      if (nodes.length > 0) await this.#sendLast(session, [owner], nodes, CATCH_UP_LENGTH_MAX)
    }
  }

  /** Whoever subscribes explicitly gets the newest item (XEP-0060 §6.1.7). */
  async subscribed(owner: AccountRef, session: Session, { node, config }: PepNode): Promise<void> {
    if (config.sendLast === 'never') return
    const find = async () => {
      const items = await this.#options.store.items(owner.id, node, { max: 1 })
      return items.map((item): LastItem => ({ accountId: owner.id, node, config, item }))
    }
    await this.#sendFound(session, [owner], find, CATCH_UP_LENGTH_MAX)
  }

  /** The account itself and the contacts whose presence it sees. */
  async #publishers(session: Session): Promise<AccountRef[]> {
    const { host, roster } = this.#options
    const contacts = [...(await roster.items(session.account.id)).values()].filter((item) => item.to)
    const publishers: AccountRef[] = [session.account]
    for (const { contact } of contacts) {
      const account = await host.accounts.find(contact)
      if (account) publishers.push(account)
    }
    return publishers
  }

  #sendLast(
    session: Session,
    publishers: readonly AccountRef[],
    nodes: readonly string[],
    lengthMax: number,
  ): Promise<number> {
    const ids = publishers.map(({ id }) => id)
    return this.#sendFound(session, publishers, () => this.#options.store.lastItems(ids, nodes), lengthMax)
  }

  /** Returns the length of what was sent. */
  async #sendFound(
    session: Session,
    publishers: readonly AccountRef[],
    find: () => Promise<LastItem[]>,
    lengthMax: number,
  ): Promise<number> {
    const byId = new Map(publishers.map((account) => [account.id, account]))
    const overtaken = new Set<string>()
    this.#overtaken.add(overtaken)
    using _ = { [Symbol.dispose]: () => this.#overtaken.delete(overtaken) }
    let sent = 0
    for (const last of await find()) {
      const owner = byId.get(last.accountId)
      if (!owner || !(await this.#mayHear(owner, last.config, session))) continue
      if (overtaken.has(keyOf(owner, last.node))) continue
      const xml = this.#message(owner, session, lastXml(last))
      if (sent + xml.length > lengthMax) return lengthMax
      session.send(xml)
      sent += xml.length
    }
    return sent
  }

  async #mayHear(owner: AccountRef, config: NodeConfig, session: Session): Promise<boolean> {
    if (session.account.id === owner.id) return true
    if (await this.#areApart(owner, session)) return false
    return this.#mayRead(owner, config, session.jid)
  }

  #mayRead(owner: AccountRef, { accessModel }: NodeConfig, jid: Jid): MaybePromise<boolean> {
    if (accessModel === 'open' || jid.bare.equals(owner.jid)) return true
    return accessModel === 'presence' && this.#options.roster.isSubscriber(owner, jid)
  }

  async #notify(
    owner: AccountRef,
    node: string,
    config: NodeConfig,
    inner: string,
    subscribers?: readonly Subscriber[],
  ): Promise<void> {
    for (const overtaken of this.#overtaken) overtaken.add(keyOf(owner, node))
    const told = await this.#explicit(owner, node, config, subscribers)
    for (const session of await this.#interested(owner, node, config)) told.add(session)
    const audience: Session[] = []
    for (const session of told) {
      const apart = this.#areApart(owner, session)
      if (!(apart instanceof Promise ? await apart : apart)) audience.push(session)
    }
    await this.#options.fanOut(audience, (session) => this.#message(owner, session, inner))
  }

  /** XEP-0060 §7.1.2.1: resources of those who asked for it, as far as they may still read it. */
  async #explicit(
    owner: AccountRef,
    node: string,
    config: NodeConfig,
    subscribers?: readonly Subscriber[],
  ): Promise<Set<Session>> {
    const { host, store } = this.#options
    const told = new Set<Session>()
    for (const { jid } of subscribers ?? (await store.subscribers(owner.id, node))) {
      const here = host.sessions.available(jid)
      if (here.length === 0 || !(await this.#mayRead(owner, config, jid))) continue
      for (const session of here) told.add(session)
    }
    return told
  }

  /** XEP-0163 §4.2, §4.3: the owner's resources and those of who sees its presence, each if it is interested in the node. */
  async #interested(owner: AccountRef, node: string, config: NodeConfig): Promise<Session[]> {
    const { host, roster, caps } = this.#options
    const audience = host.sessions.available(owner.jid)
    if (config.accessModel !== 'whitelist') {
      for (const item of (await roster.items(owner.id)).values()) {
        if (item.from) audience.push(...host.sessions.available(item.contact))
      }
    }
    return audience.filter((session) => caps.features(session).has(node + NOTIFY))
  }

  /** Whether one has blocked the other (XEP-0191). */
  #areApart(owner: AccountRef, session: Session): MaybePromise<boolean> {
    return this.#options.blocking.areApart({ account: owner, jid: owner.jid }, session)
  }

  #message(owner: AccountRef, session: Session, inner: string): string {
    const id = this.#options.host.random.token(9)
    const attrs = { type: 'headline', from: owner.jid.toString(), to: session.jidText, id }
    return `<message${attributesToString(attrs)}><event xmlns='${NS_PUBSUB_EVENT}'>${inner}</event></message>`
  }
}

function keyOf(owner: AccountRef, node: string): string {
  return `${owner.id} ${node}`
}

function interests(features: ReadonlySet<string>): string[] {
  const nodes: string[] = []
  for (const feature of features) {
    if (feature.endsWith(NOTIFY) && nodes.length < INTERESTS_MAX) nodes.push(feature.slice(0, -NOTIFY.length))
  }
  return nodes
}

function lastXml({ node, config, item }: LastItem): string {
  return itemsXml(node, itemXml(item, config))
}

function itemsXml(node: string, inner: string): string {
  return `<items node='${escapeXml(node)}'>${inner}</items>`
}

function itemXml(item: PepItem, config: NodeConfig): string {
  const start = `<item${attributesToString({ id: item.id })}`
  return config.deliverPayloads ? `${start}>${item.payload}</item>` : `${start}/>`
}
