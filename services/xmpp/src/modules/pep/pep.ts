/**
 * XEP-0163 Personal Eventing over XEP-0060: what OMEMO (XEP-0384), OpenPGP for XMPP (XEP-0373) and private nodes (XEP-0223) of bookmarks (XEP-0402) and of what was read
 * (XEP-0490) need. The account is the service. Left out, as XEP-0163 §5 allows: affiliations, managing others' subscriptions, collections, paging, the address of the
 * publishing resource (XEP-0163 §4.3). To those who may not see the account's presence, all but open nodes look like no account.
 */
import { Budget } from '@sealpost/runtime'
import { type Element, element, NS_DISCO_INFO, NS_PUBSUB, NS_PUBSUB_OWNER } from '@sealpost/stanza'
import {
  type AccountRef,
  defineModule,
  type IqRequest,
  type Module,
  type ModuleHost,
  type Provided,
  type Session,
} from '../../core/module.ts'
import { refuse } from './errors.ts'
import { type ForeignNode, foreignNodes } from './import-nodes.ts'
import { Notifications } from './notifications.ts'
import { OwnerRequests, type PepLimits } from './owner-requests.ts'
import { ReaderRequests } from './reader-requests.ts'
import { SubscriberRequests } from './subscriber-requests.ts'
import type { ItemQuery, PepItem, PepNode, PepStore } from './store.ts'

export const pepLimits: PepLimits = {
  nodesMax: 200,
  itemsMax: 1000,
  itemBytesMax: 64 * 1024,
  bytesMax: 4 * 1024 * 1024,
  subscribersMax: 1000,
  subscriptionsMax: 200,
  publishBytes: { burst: 8 * 1024 * 1024, perSecond: 64 * 1024 },
}

declare module '../../core/module.ts' {
  interface Provided {
    pep: {
      /** As if the session published it (XEP-0060 §7.1). Throws StanzaError. `payload`: one element. */
      publish(
        session: Session,
        node: string,
        item: { readonly id: string; readonly payload: Element },
      ): Promise<void>
      /** Items that are not there, of an account that comes from another server. `items`: `item` elements. */
      adopt(
        owner: AccountRef,
        node: ForeignNode,
      ): Promise<{ readonly items: number; readonly refused: number }>
      node(accountId: string, node: string): Promise<PepNode | undefined>
      /** Of items that are kept: the newest, or those with these ids. */
      items(accountId: string, node: string, query: ItemQuery): Promise<PepItem[]>
    }
  }
  interface Hooks {
    /** Something of a node was published, retracted or deleted; `retracted`: the id of one item. */
    'pep/changed'(event: {
      readonly owner: AccountRef
      readonly node: string
      readonly retracted?: string
    }): undefined
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    pepBudget?: Budget
  }
}

const to = ['self', 'account'] as const

/** XEP-0060 §10 */
const features = [
  'access-open',
  'access-presence',
  'access-whitelist',
  'auto-create',
  'auto-subscribe',
  'config-node',
  'config-node-max',
  'create-and-configure',
  'create-nodes',
  'delete-items',
  'delete-nodes',
  'filtered-notifications',
  'item-ids',
  'last-published',
  'multi-items',
  'persistent-items',
  'presence-notifications',
  'publish',
  'publish-options',
  'purge-nodes',
  'retract-items',
  'retrieve-default',
  'retrieve-items',
  'retrieve-subscriptions',
  'subscribe',
] as const

export function pep(options: { store: PepStore; limits?: PepLimits }): Module {
  const limits = options.limits ?? pepLimits
  return defineModule({
    name: 'pep',
    implements: [
      'XEP-0163 1.2.2',
      'XEP-0060 1.27.0',
      'XEP-0223 1.1.1',
      'XEP-0384 0.9.1',
      'XEP-0373 0.7.0',
      'XEP-0402 1.2.0',
      'XEP-0490 1.0.1',
    ],
    depends: ['roster', 'blocking', 'presence', 'disco', 'caps'],
    setup(host) {
      const { store } = options
      const roster = host.need('roster')
      const caps = host.need('caps')
      const blocking = host.need('blocking')
      const notifications = new Notifications({
        host,
        store,
        roster,
        blocking,
        caps,
        fanOut: host.need('fanOut'),
      })
      const readers = new ReaderRequests(store, roster, limits.itemsMax)
      const owners = new OwnerRequests(store, notifications, limits, host.random)
      const chargeFor = (session: Session, bytes: number) => charge(host, limits, session, bytes)
      host.provide('pep', {
        publish: async (session, node, { id, payload }) => {
          const item = element('item', NS_PUBSUB, { id }, payload)
          const publish = element('publish', NS_PUBSUB, { node }, item)
          const pubsub = element('pubsub', NS_PUBSUB, {}, publish)
          await owners.publish(session.account, pubsub, publish, (bytes) => chargeFor(session, bytes))
        },
        adopt: (owner, node) => owners.adopt(owner, node),
        node: (accountId, node) => store.node(accountId, node),
        items: (accountId, node, query) => store.items(accountId, node, query),
      })
      host.accountFeature(NS_PUBSUB)
      for (const feature of features) host.accountFeature(`${NS_PUBSUB}#${feature}`)
      const subscribers = new SubscriberRequests({ host, store, roster, readers, notifications, limits })
      registerPublic(host, { owners, readers, subscribers, asOwner: ownerOf(roster), chargeFor })
      registerOwnerOnly(host, owners, ownerOf(roster))
      registerDiscovery(host, readers)
      host.hook('caps/known', ({ session, features: now, previous }) =>
        host.spawn(notifications.catchUp(session, now, previous)),
      )
      host.hook('presence/subscribed', ({ owner, viewer }) =>
        host.spawn(notifications.welcome(owner, viewer)),
      )
      host.hook('account/import', async ({ owner, parts, taken }) => {
        for (const node of foreignNodes(parts, limits.itemsMax)) {
          const { items, refused } = await owners.adopt(owner, node)
          taken.items += items
          taken.refused += refused
        }
      })
      host.hook('account/erase', ({ accountId }) => owners.erase(accountId))
    },
  })
}

function charge(host: ModuleHost, limits: PepLimits, session: Session, bytes: number): void {
  const now = host.clock.monotonic()
  session.data.pepBudget ??= new Budget(limits.publishBytes, now)
  if (!session.data.pepBudget.take(now, bytes)) throw refuse.tooMuch()
}

type AsOwner = (request: IqRequest) => Promise<AccountRef>

/** The account, for nobody but itself. */
function ownerOf(roster: Provided['roster']): AsOwner {
  return async ({ owner, session, target }) => {
    if (owner && target === 'self') return owner
    // XEP-0060 §7.1.3.1, but only to those who know the account anyway.
    throw owner && (await roster.isSubscriber(owner, session.jid)) ? refuse.notOwner() : refuse.hidden()
  }
}

interface Requests {
  readonly owners: OwnerRequests
  readonly readers: ReaderRequests
  readonly subscribers: SubscriberRequests
  readonly asOwner: AsOwner
  readonly chargeFor: (session: Session, bytes: number) => void
}

function registerPublic(
  host: ModuleHost,
  { owners, readers, subscribers, asOwner, chargeFor }: Requests,
): void {
  host.onIq('get', { to, namespace: NS_PUBSUB, name: 'pubsub' }, (request) => {
    const { owner, session, query } = request
    const [action] = query.elements()
    if (!owner || !action) throw refuse.badRequest()
    if (action.is('items', NS_PUBSUB)) return readers.items(owner, session, action)
    if (action.is('subscriptions', NS_PUBSUB)) return subscribers.subscriptions(owner, session, action)
    return refuseUnsupported(request, action, asOwner)
  })
  host.onIq('set', { to, namespace: NS_PUBSUB, name: 'pubsub' }, async (request) => {
    const { query, session } = request
    const action = query.elements().find(({ name }) => name !== 'publish-options' && name !== 'configure')
    if (!action || action.ns !== NS_PUBSUB || !request.owner) throw refuse.badRequest()
    if (action.name === 'subscribe') return subscribers.subscribe(request.owner, session, action)
    if (action.name === 'unsubscribe') return subscribers.unsubscribe(request.owner, session, action)
    const owner = await asOwner(request)
    if (action.name === 'publish') {
      return owners.publish(owner, query, action, (bytes) => chargeFor(session, bytes))
    }
    if (action.name === 'retract') return owners.retract(owner, action)
    if (action.name === 'create') return owners.create(owner, query, action)
    throw unsupported(action)
  })
}

function registerOwnerOnly(host: ModuleHost, owners: OwnerRequests, asOwner: AsOwner): void {
  host.onIq('get', { to, namespace: NS_PUBSUB_OWNER, name: 'pubsub' }, async (request) => {
    const [action] = request.query.elements()
    const owner = await asOwner(request)
    if (action?.is('configure', NS_PUBSUB_OWNER)) return owners.configuration(owner, action)
    if (action?.is('default', NS_PUBSUB_OWNER)) return owners.defaults()
    throw action ? unsupported(action) : refuse.badRequest()
  })
  host.onIq('set', { to, namespace: NS_PUBSUB_OWNER, name: 'pubsub' }, async (request) => {
    const [action] = request.query.elements()
    const owner = await asOwner(request)
    if (action?.is('configure', NS_PUBSUB_OWNER)) return owners.configure(owner, action)
    if (action?.is('purge', NS_PUBSUB_OWNER)) return owners.purge(owner, action)
    if (action?.is('delete', NS_PUBSUB_OWNER)) return owners.delete(owner, action)
    throw action ? unsupported(action) : refuse.badRequest()
  })
}

async function refuseUnsupported(request: IqRequest, action: Element, asOwner: AsOwner): Promise<never> {
  await asOwner(request)
  throw unsupported(action)
}

/** XEP-0060 §10: which feature it would have taken. */
function unsupported({ name }: Element): Error {
  const named: Readonly<Record<string, string>> = {
    options: 'subscription-options',
    subscriptions: 'manage-subscriptions',
    affiliations: 'retrieve-affiliations',
  }
  const feature = Object.hasOwn(named, name) ? named[name] : undefined
  return feature === undefined ? refuse.badRequest() : refuse.unsupported(feature)
}

function registerDiscovery(host: ModuleHost, readers: ReaderRequests): void {
  host.hook('disco/account-info', async ({ owner, node, request, found }) => {
    if (node === undefined) {
      found.push(element('identity', NS_DISCO_INFO, { category: 'pubsub', type: 'pep' })) // XEP-0163 §6.1
      return undefined
    }
    found.push(...(await readers.nodeInfo(owner, request.session, node)))
    return true as const
  })
  host.hook('disco/account-items', async ({ owner, node, request, found }) => {
    const items =
      node === undefined
        ? await readers.nodeItems(owner, request.session)
        : await readers.itemNames(owner, request.session, node)
    found.push(...items)
    return true as const
  })
}
