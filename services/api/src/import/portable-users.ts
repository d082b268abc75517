/**
 * Users of XEP-0227 1.1 documents, one after the other, as Prosody and ejabberd export them. Left out: messages that wait (§4.4) and archives (§4.10), which are not
 * looked at, privacy lists (§4.7), extensions, and what is included from other files (§5), since no document leads to a file here.
 */
import { SCRAM_KEY_BYTES } from '@sealpost/accounts'
import { IMPORTED_BYTES_MAX, IMPORTED_LIMITS, IMPORTED_PARTS_MAX } from '@sealpost/ports'
import type { ScramHash, ScramVerifier } from '@sealpost/sasl'
import {
  DocumentReader,
  type DocumentPart,
  Element,
  NS_CLIENT,
  NS_PIE,
  NS_PRIVATE,
  NS_PUBSUB,
  NS_PUBSUB_OWNER,
  NS_ROSTER,
  NS_VCARD,
} from '@sealpost/stanza'

const NS_SCRAM = `${NS_PIE}#scram` // XEP-0227 §4.2
const NS_MAM = `${NS_PIE}#mam` // XEP-0227 §4.10
const NS_PRIVACY = 'jabber:iq:privacy' // XEP-0016
const NS_XINCLUDE = 'http://www.w3.org/2001/XInclude'
/** Of one child of a user. */
const ELEMENT_BYTES_MAX = 8 * 1024 * 1024

export const LEFT_OUT = [
  'offline_messages',
  'archives',
  'privacy_lists',
  'extensions',
  'includes',
  'too_large',
  'malformed',
] as const
export type LeftOut = (typeof LEFT_OUT)[number]

/** What there is of each. */
export interface PortableCounts {
  readonly contacts: number
  readonly items: number
  readonly elements: number
}

export interface PortableUser {
  /** From 1, in the order of the upload. */
  readonly document: number
  /** As they are written; undefined when they are not. */
  readonly host: string | undefined
  readonly name: string | undefined
  readonly password: string | undefined
  /** The best one that can be read. */
  readonly verifier: ScramVerifier | undefined
  /** Children that are for the relay, as XML. */
  readonly parts: readonly string[]
  readonly counts: PortableCounts
}

export type PortableEvent =
  | { readonly user: PortableUser }
  | { readonly broken: string; readonly document: number }
  | { readonly leftOut: LeftOut }

export async function* readPortableUsers(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<PortableEvent> {
  const reader = new DocumentReader({ decide, elementBytesMax: ELEMENT_BYTES_MAX, limits: IMPORTED_LIMITS })
  const users = new Users()
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    for (const part of reader.write(bytes)) yield* users.take(part)
  }
  for (const part of reader.end()) yield* users.take(part)
}

function decide(element: Element, parent: Element | undefined): 'open' | 'read' | 'skip' {
  if (isOurs(element, 'server-data')) return parent === undefined ? 'open' : 'skip'
  if (isOurs(element, 'host')) return parent === undefined || isOurs(parent, 'server-data') ? 'open' : 'skip'
  if (isOurs(element, 'user')) return parent === undefined || isOurs(parent, 'host') ? 'open' : 'skip'
  return parent !== undefined && isOurs(parent, 'user') && isWanted(element) ? 'read' : 'skip'
}

function isOurs({ name, ns }: Element, wanted: string): boolean {
  return name === wanted && ns === NS_PIE
}

function isWanted(element: Element): boolean {
  return element.is('scram-credentials', NS_SCRAM) || isForRelay(element)
}

const FOR_RELAY: readonly (readonly [name: string, ns: string])[] = [
  ['query', NS_ROSTER],
  ['query', NS_PRIVATE],
  ['vCard', NS_VCARD],
  ['pubsub', NS_PUBSUB],
  ['pubsub', NS_PUBSUB_OWNER],
  ['presence', NS_CLIENT],
]

/** A request for presence that says no namespace of its own is meant all the same. */
function isForRelay(element: Element): boolean {
  return isOurs(element, 'presence') || FOR_RELAY.some(([name, ns]) => element.is(name, ns))
}

/** Puts users together from what is in them. */
class Users {
  #document = 1
  readonly #path: Element[] = []
  #parts: string[] = []
  #bytes = 0
  #counts = { contacts: 0, items: 0, elements: 0 }
  #verifiers: ScramVerifier[] = []

  #forget(): void {
    this.#parts = []
    this.#bytes = 0
    this.#counts = { contacts: 0, items: 0, elements: 0 }
    this.#verifiers = []
  }

  *take(part: DocumentPart): Generator<PortableEvent> {
    switch (part.kind) {
      case 'open':
        this.#path.push(part.element)
        this.#forget()
        return
      case 'close':
        yield* this.#close(this.#path.pop())
        return
      case 'element':
        yield* this.#add(part.element)
        return
      case 'skipped':
        yield { leftOut: part.why === 'unwanted' ? nameOf(part.element) : LEFT_OUT_BY_WHY[part.why] }
        return
      case 'broken':
        yield { broken: part.condition, document: this.#document }
        return
      case 'end':
        this.#path.length = 0
        this.#forget()
        this.#document++
    }
  }

  *#add(element: Element): Generator<PortableEvent> {
    if (element.is('scram-credentials', NS_SCRAM)) {
      const verifier = readScram(element)
      if (verifier) this.#verifiers.push(verifier)
      return
    }
    const xml = (
      element.ns === NS_CLIENT || element.name !== 'presence' ? element : asClient(element)
    ).toString('')
    this.#bytes += Buffer.byteLength(xml)
    if (this.#bytes > IMPORTED_BYTES_MAX || this.#parts.length >= IMPORTED_PARTS_MAX) {
      yield { leftOut: 'too_large' }
      return
    }
    this.#parts.push(xml)
    const counts = countsOf(element)
    for (const key of COUNTED) this.#counts[key] += counts[key] ?? 0
  }

  *#close(element: Element | undefined): Generator<PortableEvent> {
    if (element === undefined || !isOurs(element, 'user')) return
    const host = this.#path.findLast((each) => isOurs(each, 'host'))
    yield {
      user: {
        document: this.#document,
        host: host?.attrs['jid'],
        name: element.attrs['name'],
        ...credentialsOf(element.attrs['password'], this.#verifiers),
        parts: this.#parts,
        counts: this.#counts,
      },
    }
    this.#forget()
  }
}

const COUNTED = ['contacts', 'items', 'elements'] as const
const LEFT_OUT_BY_WHY = { 'too-large': 'too_large', malformed: 'malformed' } as const

function asClient({ name, attrs, children }: Element): Element {
  return new Element(name, NS_CLIENT, attrs, children)
}

function countsOf(element: Element): Partial<PortableCounts> {
  if (element.is('query', NS_ROSTER)) return { contacts: element.childrenNamed('item').length }
  if (element.is('query', NS_PRIVATE)) return { elements: element.elements().length }
  if (element.is('vCard', NS_VCARD)) return { elements: 1 }
  if (!element.is('pubsub', NS_PUBSUB)) return {}
  return { items: element.childrenNamed('items').reduce((sum, items) => sum + items.elements().length, 0) }
}

function nameOf(element: Element): LeftOut {
  if (isOurs(element, 'offline-messages')) return 'offline_messages'
  if (element.is('archive', NS_MAM)) return 'archives'
  if (element.is('query', NS_PRIVACY)) return 'privacy_lists'
  return element.ns === NS_XINCLUDE ? 'includes' : 'extensions'
}

/** NOTE: ejabberd before version 20 writes verifiers where a password belongs; such a text is never one. */
const SCRAM_IN_PASSWORD = /^scram:([^,]*),([^,]*),([^,]*),(\d{1,9})$/

function credentialsOf(
  attribute: string | undefined,
  verifiers: readonly ScramVerifier[],
): Pick<PortableUser, 'password' | 'verifier'> {
  const best = verifiers.find(({ hash }) => hash === 'SHA-256') ?? verifiers[0]
  if (attribute === undefined || attribute === '') return { password: undefined, verifier: best }
  if (!attribute.startsWith('scram:')) return { password: attribute, verifier: undefined }
  const [, stored = '', server = '', salt = '', iterations = ''] = SCRAM_IN_PASSWORD.exec(attribute) ?? []
  const texts = { stored, server, salt, iterations }
  return { password: undefined, verifier: best ?? verifierOf(texts) }
}

const MECHANISMS: readonly (string | undefined)[] = ['SCRAM-SHA-1', 'SCRAM-SHA-256']

/** XEP-0227 §4.2; undefined when it is of another hash, or cannot be read. */
function readScram(element: Element): ScramVerifier | undefined {
  const text = (name: string): string => element.child(name)?.text().trim() ?? ''
  if (!MECHANISMS.includes(element.attrs['mechanism'])) return undefined
  return verifierOf({
    stored: text('stored-key'),
    server: text('server-key'),
    salt: text('salt'),
    iterations: text('iter-count'),
  })
}

interface ScramTexts {
  readonly stored: string
  readonly server: string
  readonly salt: string
  readonly iterations: string
}

/**
 * NOTE: the size of the keys says which hash it is, since Prosody's migrator says SHA-1 of all. ejabberd 23 keeps keys and salt in Base64, and encodes what it keeps once more
 * when it exports.
 */
function verifierOf(texts: ScramTexts): ScramVerifier | undefined {
  const once = [texts.stored, texts.server, texts.salt].map(decode)
  const isOnce = hashOf(once[0]) !== undefined
  const [storedKey, serverKey, salt] = isOnce
    ? once
    : once.map((bytes) => bytes && decode(bytes.toString('latin1')))
  const hash = hashOf(storedKey)
  if (!hash || !storedKey || !serverKey || !salt || !/^\d{1,9}$/.test(texts.iterations)) return undefined
  return { hash, salt, iterations: Number(texts.iterations), storedKey, serverKey }
}

function hashOf(key: Buffer | undefined): ScramHash | undefined {
  return (['SHA-256', 'SHA-1'] as const).find((hash) => key?.length === SCRAM_KEY_BYTES[hash])
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function decode(text: string): Buffer | undefined {
  return text !== '' && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}
