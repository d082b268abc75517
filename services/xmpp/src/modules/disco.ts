/**
 * XEP-0030 Service Discovery for the server and for accounts. An account is described to itself and to those who may see
 * its presence; to everybody else it looks like one that does not exist.
 */
import { type Element, element, NS_DISCO_INFO, NS_DISCO_ITEMS, StanzaError } from '@sealpost/stanza'
import {
  type AccountRef,
  defineModule,
  type IqRequest,
  type Module,
  type ModuleHost,
  type Session,
} from '../core/module.ts'

/** What a discovery request for the server's items is about. */
export interface HostDiscovery {
  readonly session: Session
  /** Undefined: the server itself. */
  readonly node: string | undefined
  /** Takes what is found. */
  readonly found: Element[]
}

/** What a discovery request for an account is about. */
export interface AccountDiscovery {
  readonly request: IqRequest
  readonly owner: AccountRef
  /** Undefined: the account itself. */
  readonly node: string | undefined
  /** Takes what is found; identities go before features (XEP-0030 §3.1). */
  readonly found: Element[]
}

declare module '../core/module.ts' {
  interface Provided {
    disco: {
      /** Identities, features and forms of the server as they are answered (XEP-0030 §3.1, XEP-0128). The same array until something in it changes. */
      hostInfo(): readonly Element[]
      /** Adds a form about the server (XEP-0128); one that did not change is the same element. */
      addHostForm(form: () => Element): void
    }
  }
  interface Hooks {
    /** Describes a node of the server; its answer ends the chain. */
    'disco/host-node'(event: { readonly session: Session; readonly node: string }): readonly Element[]
    /** Adds items of a node of the server, or of the server itself; `true`: the node exists. */
    'disco/host-items'(event: HostDiscovery): true
    /** Adds what a module knows about an account or one of its nodes; `true`: the node exists. */
    'disco/account-info'(event: AccountDiscovery): true
    'disco/account-items'(event: AccountDiscovery): true
  }
}

const refuse = {
  noNode: () => new StanzaError('cancel', 'item-not-found'), // XEP-0030 §7
  hidden: () => new StanzaError('cancel', 'service-unavailable'), // XEP-0030 §8
} as const

export function disco(): Module {
  return defineModule({
    name: 'disco',
    implements: ['XEP-0030 2.5.0'],
    depends: ['roster'],
    setup(host) {
      host.feature(NS_DISCO_INFO) // XEP-0030 §3.1
      host.feature(NS_DISCO_ITEMS)
      host.accountFeature(NS_DISCO_INFO)
      host.accountFeature(NS_DISCO_ITEMS)
      const about = new HostInfo(host)
      const hostInfo = () => about.read()
      host.hook('disco/foreign', hostInfo)
      host.provide('disco', { hostInfo, addHostForm: (form) => about.addForm(form) })
      host.onIq(
        'get',
        { to: ['host'], namespace: NS_DISCO_INFO, name: 'query' },
        async ({ session, query }) => {
          const { node } = query.attrs
          if (node === undefined) return element('query', NS_DISCO_INFO, {}, ...hostInfo())
          const found = await host.fire('disco/host-node', { session, node })
          if (!found) throw refuse.noNode()
          return element('query', NS_DISCO_INFO, { node }, ...found)
        },
      )
      host.onIq(
        'get',
        { to: ['host'], namespace: NS_DISCO_ITEMS, name: 'query' },
        async ({ session, query }) => {
          const { node } = query.attrs
          const found: Element[] = []
          const exists = await host.fire('disco/host-items', { session, node, found })
          if (node !== undefined && !exists) throw refuse.noNode()
          const services = node === undefined ? host.destinations.present : []
          const items = services.map((jid) => element('item', NS_DISCO_ITEMS, { jid }))
          return element('query', NS_DISCO_ITEMS, { node }, ...found, ...items)
        },
      )
      const accounts = ['self', 'account'] as const
      host.onIq('get', { to: accounts, namespace: NS_DISCO_INFO, name: 'query' }, (request) =>
        describeAccount(host, request),
      )
      host.onIq('get', { to: accounts, namespace: NS_DISCO_ITEMS, name: 'query' }, (request) =>
        listAccount(host, request),
      )
    },
  })
}

const SERVER = element('identity', NS_DISCO_INFO, { category: 'server', type: 'im', name: 'Sealpost' })

/** What is said of the server, made again only when modules say something else. */
class HostInfo {
  readonly #host: ModuleHost
  readonly #forms: (() => Element)[] = []
  #madeOf: readonly unknown[] = []
  #made: readonly Element[] = []

  constructor(host: ModuleHost) {
    this.#host = host
  }

  addForm(form: () => Element): void {
    this.#forms.push(form)
  }

  read(): readonly Element[] {
    const features = this.#host.features.host
    const forms = this.#forms.map((form) => form())
    const madeOf = [features.length, ...forms]
    if (madeOf.length !== this.#madeOf.length || madeOf.some((part, index) => part !== this.#madeOf[index])) {
      this.#madeOf = madeOf
      this.#made = [SERVER, ...featureElements(features), ...forms]
    }
    return this.#made
  }
}

function featureElements(features: readonly string[]): Element[] {
  return [...new Set(features)].map((name) => element('feature', NS_DISCO_INFO, { var: name }))
}

async function describeAccount(host: ModuleHost, request: IqRequest): Promise<Element> {
  const discovery = await discover(host, request)
  const exists = await host.fire('disco/account-info', discovery)
  const { node, found } = discovery
  if (node !== undefined) {
    if (!exists) throw refuse.noNode()
    return element('query', NS_DISCO_INFO, { node }, ...found)
  }
  const identity = element('identity', NS_DISCO_INFO, { category: 'account', type: 'registered' })
  return element('query', NS_DISCO_INFO, {}, identity, ...found, ...featureElements(host.features.account))
}

async function listAccount(host: ModuleHost, request: IqRequest): Promise<Element> {
  const discovery = await discover(host, request)
  const exists = await host.fire('disco/account-items', discovery)
  const { node, found } = discovery
  if (node !== undefined && !exists) throw refuse.noNode()
  return element('query', NS_DISCO_ITEMS, { node }, ...found)
}

async function discover(host: ModuleHost, request: IqRequest): Promise<AccountDiscovery> {
  const { owner, session, query } = request
  if (!owner || !(await host.need('roster').isSubscriber(owner, session.jid))) throw refuse.hidden()
  return { request, owner, node: query.attrs['node'], found: [] }
}
