/**
 * What is a message, to a server that must keep nothing readable: ciphertext, a control message that says nothing
 * about content, or plaintext. Classification also normalises: everything readable is taken out.
 */
import {
  element,
  type Element,
  NS_CLIENT,
  NS_STANZAS,
  stanzaErrorConditions,
  type XmlNode,
} from '@sealpost/stanza'
import { isCiphertext, otrBody } from './ciphertext.ts'
import { type ControlClass, controlOf, isForged } from './control.ts'
import { isIdentifier, isLanguage, withoutAttributes } from './values.ts'

export const MESSAGE_CLASSES = ['encrypted', 'receipt', 'call', 'ephemeral', 'plaintext'] as const
export type MessageClass = (typeof MESSAGE_CLASSES)[number]

export interface Classified {
  readonly class: MessageClass
  /** The message without anything readable; for `plaintext` the message as it was, without forged marks. */
  readonly stanza: Element
}

/** What stands in for a body that the server must not see. */
export const FALLBACK_BODY = '[This message is encrypted]'

const fallbackBody = element('body', NS_CLIENT, {}, FALLBACK_BODY)

/** What the children of a message amount to. */
interface Contents {
  kept: Element[]
  ciphertexts: number
  /** There is something that a stranger could read. */
  readable: boolean
  /** What is said corrects or retracts something. */
  edits: boolean
  /** `kept` is not just what was there. */
  changed: boolean
  bodies: number
  /** The first body that holds the fallback text and nothing else. */
  fallback: Element | undefined
  otr: string | undefined
  control: Strength
}

/** Classifies and normalises a message of any type but `error`; its `from` is stamped already. */
export function classifyMessage(stanza: Element): Classified {
  const found = contentsOf(stanza)
  const id = stanza.attrs['id']
  const named = id === undefined || isIdentifier(id) // an id must come back as it was: it cannot be cut
  const encrypted = found.ciphertexts > 0 || (found.otr !== undefined && !found.readable)
  if (!named || ((found.readable || found.edits) && !encrypted))
    return { class: 'plaintext', stanza: withoutForged(stanza) }
  if (encrypted) replaceBodies(found)
  const normalised = withoutAttributes(
    found.changed ? stanza.withChildren(found.kept) : stanza,
    isMessageAttribute,
  )
  if (encrypted) return { class: 'encrypted', stanza: normalised }
  return { class: found.control === 'neutral' ? 'ephemeral' : found.control, stanza: normalised }
}

function contentsOf(stanza: Element): Contents {
  const found: Contents = {
    kept: [],
    ciphertexts: 0,
    readable: false,
    edits: false,
    changed: false,
    bodies: 0,
    fallback: undefined,
    otr: undefined,
    control: 'neutral',
  }
  const sender = stanza.attrs['from']
  for (const child of stanza.children) take(child, sender, found)
  return found
}

/** One body stands in for all, for clients without the cipher; a body of OTR is the ciphertext itself. */
function replaceBodies(found: Contents): void {
  const { bodies, fallback } = found
  const otr = found.ciphertexts === 0 ? found.otr : undefined
  if (bodies === 0 || (bodies === 1 && fallback)) return
  if (fallback) found.kept = found.kept.filter((each) => each !== fallback)
  found.kept.push(otr === undefined ? fallbackBody : element('body', NS_CLIENT, {}, otr))
  found.changed = true
}

function take(child: XmlNode, sender: string | undefined, found: Contents): void {
  if (typeof child === 'string') {
    found.readable ||= child.trim() !== ''
    found.changed = true
    return
  }
  if (isCiphertext(child)) {
    found.ciphertexts++
    found.kept.push(child)
    return
  }
  if (child.is('body', NS_CLIENT)) return takeBody(child, found)
  if (isForged(child, sender)) {
    found.changed = true
    return
  }
  const control = child.is('thread', NS_CLIENT) ? thread(child) : controlOf(child)
  if (control === undefined) {
    found.readable = true
    found.changed = true
    return
  }
  found.kept.push(control.element)
  found.changed ||= control.element !== child
  if (control.class === 'edit') found.edits = true
  else found.control = stronger(found.control, control.class)
}

function takeBody(child: Element, found: Contents): void {
  const text = child.text()
  const otr = otrBody(text)
  found.bodies++
  found.otr ??= otr
  found.readable ||= otr === undefined
  const bare = Object.keys(child.attrs).length === 0 && child.children.length === 1
  if (bare && text === FALLBACK_BODY && !found.fallback) {
    found.fallback = child
    found.kept.push(child)
  } else {
    found.changed = true
  }
}

/** RFC 6121 §5.2.5: an identifier that nobody should read; as text it could be read. */
function thread(child: Element): { class: ControlClass; element: Element } | undefined {
  const [text] = child.children
  if (child.children.length !== 1 || typeof text !== 'string' || !isIdentifier(text)) return undefined
  const kept = withoutAttributes(child, (name, value) => name === 'parent' && isIdentifier(value))
  return { class: 'neutral', element: kept }
}

/** The weakest first. */
const STRENGTHS = ['neutral', 'ephemeral', 'receipt', 'call'] as const
type Strength = (typeof STRENGTHS)[number]

function stronger(a: Strength, b: Strength): Strength {
  return STRENGTHS.indexOf(b) > STRENGTHS.indexOf(a) ? b : a
}

/** RFC 6121 §5.2: attributes that mean something; an unknown type counts as `normal` (§5.2.2). */
function isMessageAttribute(name: string, value: string): boolean {
  if (name === 'type') return MESSAGE_TYPES.includes(value)
  return name === 'xml:lang' ? isLanguage(value) : name === 'to' || name === 'from' || name === 'id'
}

const MESSAGE_TYPES = ['chat', 'error', 'groupchat', 'headline', 'normal']

/** The message without marks that only a server may set. The same element when there are none. */
export function withoutForged(stanza: Element): Element {
  const sender = stanza.attrs['from']
  const genuine = stanza.children.filter((child) => typeof child === 'string' || !isForged(child, sender))
  return genuine.length === stanza.children.length ? stanza : stanza.withChildren(genuine)
}

const ERROR_TYPES = ['auth', 'cancel', 'continue', 'modify', 'wait']

/** RFC 6120 §8.3.1: of a message of type `error` its condition, without texts and without what it answers. */
export function normaliseError(stanza: Element): Element {
  const error = stanza.child('error')
  const condition = stanzaErrorConditions.find((name) => error?.child(name, NS_STANZAS))
  const id = stanza.attrs['id']
  const named = id === undefined || isIdentifier(id) ? stanza : stanza.withAttrs({ id: undefined })
  const kept = condition ? [element(condition, NS_STANZAS)] : []
  const isAllowed = (name: string, value: string) => name === 'type' && ERROR_TYPES.includes(value)
  const children = error ? [withoutAttributes(error, isAllowed).withChildren(kept)] : []
  return withoutAttributes(named, isMessageAttribute).withChildren(children)
}
