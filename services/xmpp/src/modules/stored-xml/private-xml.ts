/** XEP-0049 Private XML Storage: elements that clients put by for themselves, each under its name and namespace. Nobody else can ask for them. */
import { Element, element, NS_CLIENT, NS_PRIVATE, NS_VCARD, StanzaError } from '@sealpost/stanza'
import { defineModule, type Module, Turns } from '../../core/module.ts'
import type { StoredXml, XmlStore } from './store.ts'

export interface StoredXmlLimits {
  /** Bytes of one element. */
  readonly bytesMax: number
  /** Bytes of all that an account stores. */
  readonly totalBytesMax: number
}

export const storedXmlLimits: StoredXmlLimits = { bytesMax: 64 * 1024, totalBytesMax: 512 * 1024 }

/** XEP-0049 §4: bookmarks of old clients are in `storage:bookmarks`, and free. */
const RESERVED: readonly string[] = ['', NS_PRIVATE, NS_CLIENT, NS_VCARD]

const refuse = {
  badRequest: () => new StanzaError('modify', 'bad-request'),
  reserved: () => new StanzaError('modify', 'not-acceptable'),
  tooBig: () => new StanzaError('modify', 'not-acceptable', 'The element is too big'),
  full: () => new StanzaError('wait', 'resource-constraint'),
} as const

export interface PrivateXmlOptions {
  readonly xml: XmlStore
  readonly limits?: StoredXmlLimits
}

export const privateXml = ({ xml: store, limits = storedXmlLimits }: PrivateXmlOptions): Module =>
  defineModule({
    name: 'private-xml',
    implements: ['XEP-0049 1.2'],
    setup(host) {
      const turns = new Turns()
      const to = ['self'] as const
      host.feature(NS_PRIVATE)
      host.accountFeature(NS_PRIVATE)
      host.onIq('get', { to, namespace: NS_PRIVATE, name: 'query' }, async ({ session, query }) => {
        const [asked, ...others] = elementsOf(query)
        if (asked === undefined || others.length > 0) throw refuse.badRequest() // XEP-0049 §3
        // XEP-0049 §3: what was never stored comes back empty.
        const xml = (await store.get(session.account.id, asked)) ?? element(asked.name, asked.ns).toString('')
        return new Element('query', NS_PRIVATE, {}, [], `<query xmlns='${NS_PRIVATE}'>${xml}</query>`) // not parsed for an answer
      })
      host.onIq('set', { to, namespace: NS_PRIVATE, name: 'query' }, ({ session, query }) => {
        const put = elementsOf(query)
        if (new Set(put.map(({ ns }) => ns)).size > 1) throw refuse.badRequest() // XEP-0049 §3
        if (new Set(put.map(({ name }) => name)).size < put.length) throw refuse.badRequest()
        if (put.some(({ xml }) => Buffer.byteLength(xml) > limits.bytesMax)) throw refuse.tooBig()
        return turns.take(session.account.id, async () => {
          if (!(await store.put(session.account.id, put, limits.totalBytesMax))) throw refuse.full()
          return undefined
        })
      })
      host.hook('account/import', ({ owner, parts, taken }) =>
        turns.take(owner.id, async () => {
          for (const each of parts
            .filter((part) => part.is('query', NS_PRIVATE))
            .flatMap((part) => part.elements())) {
            const isKept = await addElement(store, limits, owner.id, each)
            if (isKept === undefined) continue
            taken[isKept ? 'elements' : 'refused']++
          }
        }),
      )
      host.hook('account/erase', ({ accountId }) => turns.take(accountId, () => store.erase(accountId)))
    },
  })

/** Undefined: there is one of that name already. False: it is none that a client could have put by, or there is no room. */
async function addElement(
  store: XmlStore,
  limits: StoredXmlLimits,
  accountId: string,
  each: Element,
): Promise<boolean | undefined> {
  const stored = { ns: each.ns, name: each.name, xml: each.toString('') }
  if (RESERVED.includes(each.ns) || Buffer.byteLength(stored.xml) > limits.bytesMax) return false
  if ((await store.get(accountId, stored)) !== undefined) return undefined
  return store.put(accountId, [stored], limits.totalBytesMax)
}

/** At least one, each in a namespace of its own. */
function elementsOf(query: Element): StoredXml[] {
  const elements = query.elements()
  if (elements.length === 0) throw refuse.badRequest()
  if (elements.some(({ ns }) => RESERVED.includes(ns))) throw refuse.reserved()
  return elements.map((each) => ({ ns: each.ns, name: each.name, xml: each.toString('') }))
}
