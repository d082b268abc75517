/**
 * XEP-0060 §6.1, §6.2 and §5.6: subscriptions by request, beside those that come of presence and `+notify`. An account subscribes with its bare JID, and hears of a node as long as it may
 * read it. Left out: addresses with a resource, subscription identifiers and options, approval. The newest item comes with the subscription, and not with each presence.
 */
import { type Jid, tryParseJid } from '@sealpost/jid'
import { type Element, element, NS_PUBSUB } from '@sealpost/stanza'
import type { AccountRef, ModuleHost, Provided, Session } from '../../core/module.ts'
import { refuse } from './errors.ts'
import type { Notifications } from './notifications.ts'
import { nodeName } from './owner-requests.ts'
import type { ReaderRequests } from './reader-requests.ts'
import type { PepStore, SubscriptionLimits } from './store.ts'

export interface SubscriberRequestsOptions {
  readonly host: ModuleHost
  readonly store: PepStore
  readonly roster: Provided['roster']
  readonly readers: ReaderRequests
  readonly notifications: Notifications
  readonly limits: SubscriptionLimits
}

export class SubscriberRequests {
  readonly #options: SubscriberRequestsOptions

  constructor(options: SubscriberRequestsOptions) {
    this.#options = options
  }

  /** XEP-0060 §6.1 */
  async subscribe(owner: AccountRef, session: Session, request: Element): Promise<Element> {
    const { host, store, readers, notifications, limits } = this.#options
    const name = nodeName(request)
    const jid = session.jid.bare
    if (!readJid(request)?.equals(jid)) throw refuse.subscriberJid()
    const node = await readers.readable(owner, session, name)
    const subscriber = { accountId: session.account.id, jid }
    const result = await store.subscribe(owner.id, name, subscriber, limits)
    if (result === 'no-node') throw refuse.noNode()
    if (result === 'full') throw refuse.tooManySubscriptions()
    host.spawn(notifications.subscribed(owner, session, node))
    return element('pubsub', NS_PUBSUB, {}, subscription(name, jid, 'subscribed'))
  }

  /** XEP-0060 §6.2: also by who may not read the node any more. */
  async unsubscribe(owner: AccountRef, session: Session, request: Element): Promise<Element> {
    const { store, readers } = this.#options
    const name = nodeName(request)
    const wanted = readJid(request)
    const jid = session.jid.bare
    if (!wanted) throw refuse.subscriberJid()
    const isOwn = wanted.equals(jid)
    if (!isOwn || !(await store.unsubscribe(owner.id, name, session.account.id))) {
      await readers.readable(owner, session, name)
      throw wanted.bare.equals(jid) ? refuse.notSubscribed() : refuse.notTheirs()
    }
    return element('pubsub', NS_PUBSUB, {}, subscription(name, jid, 'none'))
  }

  /** XEP-0060 §5.6: of whoever asks, to nodes of this account. Strangers without any cannot tell it from none. */
  async subscriptions(owner: AccountRef, session: Session, request: Element): Promise<Element> {
    const { store, roster } = this.#options
    const { node } = request.attrs
    const all = await store.subscriptionsOf(session.account.id)
    const here = all.filter(({ accountId }) => accountId === owner.id)
    const knows = session.account.id === owner.id || (await roster.isSubscriber(owner, session.jid))
    if (here.length === 0 && !knows) throw refuse.hidden()
    const found = here.filter((each) => node === undefined || each.node === node)
    const listed = found.map((each) => subscription(each.node, session.jid.bare, 'subscribed'))
    return element('pubsub', NS_PUBSUB, {}, element('subscriptions', NS_PUBSUB, { node }, ...listed))
  }
}

function subscription(node: string, jid: Jid, state: 'subscribed' | 'none'): Element {
  return element('subscription', NS_PUBSUB, { node, jid: jid.toString(), subscription: state })
}

/** The `jid` attribute; undefined when it is none. */
function readJid(request: Element): Jid | undefined {
  return tryParseJid(request.attrs['jid'] ?? '')
}
