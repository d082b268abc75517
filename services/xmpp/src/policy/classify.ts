/**
 * What is a message, to a server that must keep nothing readable: ciphertext, a control message that says nothing
 * about content, or plaintext. Classification also normalises: everything readable is taken out.
 */
import {
  element,
  type Element,
  NS_CALL_INVITES,
  NS_CHATSTATES,
  NS_CLIENT,
  NS_CONFERENCE,
  NS_DELAY,
  NS_EME,
  NS_EXPIRE,
  NS_HINTS,
  NS_JINGLE_MESSAGE,
  NS_MARKERS,
  NS_MUC_USER,
  NS_RECEIPTS,
  NS_SID,
} from '@sealpost/stanza'
import { isCiphertext, otrBody } from './ciphertext.ts'

export type MessageClass = 'encrypted' | 'receipt' | 'call' | 'ephemeral' | 'plaintext'

export interface Classified {
  readonly class: MessageClass
  /** The message without anything readable; for `plaintext` the message as it was. */
  readonly stanza: Element
}

/** What stands in for a body that the server must not see. */
export const FALLBACK_BODY = '[This message is encrypted]'

/** What a child element makes of a message that has no ciphertext. */
type ControlClass = 'receipt' | 'call' | 'ephemeral' | 'neutral'

/** Elements that may stand beside, or instead of, ciphertext: they carry identifiers and states, no text. */
const controls: Readonly<Record<string, ControlClass>> = {
  [NS_RECEIPTS]: 'receipt',
  [NS_MARKERS]: 'receipt',
  [NS_CHATSTATES]: 'ephemeral',
  [NS_JINGLE_MESSAGE]: 'call',
  [NS_CALL_INVITES]: 'call',
  [NS_HINTS]: 'neutral',
  [NS_SID]: 'neutral',
  [NS_EME]: 'neutral',
  [NS_DELAY]: 'neutral',
  [NS_EXPIRE]: 'neutral',
}

/** Classifies and normalises a message of type chat or normal. */
export function classifyMessage(stanza: Element): Classified {
  const kept: Element[] = []
  let ciphertexts = 0
  let readable = false
  let changed = false
  let control: ControlClass = 'neutral'
  let otr: string | undefined
  for (const child of stanza.children) {
    if (typeof child === 'string') {
      readable ||= child.trim() !== ''
      changed = true
      continue
    }
    if (isCiphertext(child)) {
      ciphertexts++
      kept.push(child)
    } else if (child.is('body', NS_CLIENT)) {
      const found = otrBody(child.text())
      otr ??= found
      if (found === undefined) readable = true
    } else if (child.is('thread', NS_CLIENT)) {
      kept.push(child)
    } else {
      const found = controlOf(child)
      if (found === undefined) {
        readable = true
        changed = true
      } else {
        kept.push(child)
        control = stronger(control, found)
      }
    }
  }
  if (otr !== undefined && ciphertexts === 0 && !readable) {
    return { class: 'encrypted', stanza: stanza.withChildren([...kept, body(otr)]) }
  }
  if (ciphertexts > 0) return { class: 'encrypted', stanza: withFallback(stanza, kept, changed) }
  if (readable || control === 'neutral') return { class: readable ? 'plaintext' : 'ephemeral', stanza }
  return { class: control, stanza }
}

function withFallback(stanza: Element, kept: readonly Element[], changed: boolean): Element {
  const bodies = stanza.childrenNamed('body', NS_CLIENT)
  const clean = !changed && bodies.every((each) => each.text() === FALLBACK_BODY) && bodies.length <= 1
  if (clean) return stanza
  return stanza.withChildren(bodies.length > 0 ? [...kept, body(FALLBACK_BODY)] : kept)
}

function body(text: string): Element {
  return element('body', NS_CLIENT, {}, text)
}

function stronger(a: ControlClass, b: ControlClass): ControlClass {
  const order: readonly ControlClass[] = ['neutral', 'ephemeral', 'receipt', 'call']
  return order.indexOf(b) > order.indexOf(a) ? b : a
}

/** The class of an allow-listed element that carries nothing readable; undefined for every other. */
function controlOf(child: Element): ControlClass | undefined {
  const listed = controls[child.ns]
  if (listed !== undefined) return listed === 'call' || !hasText(child) ? listed : undefined
  if (child.ns === NS_CONFERENCE && child.name === 'x')
    return child.attrs['reason'] === undefined ? 'receipt' : undefined
  if (child.ns === NS_MUC_USER && child.name === 'x') return isBareInvite(child) ? 'receipt' : undefined
  return undefined
}

/** Text anywhere inside: an allow-listed wrapper must not smuggle any. */
function hasText(parent: Element): boolean {
  return parent.children.some((child) => (typeof child === 'string' ? child.trim() !== '' : hasText(child)))
}

/** XEP-0045 §7.8.2 without a reason. */
function isBareInvite(x: Element): boolean {
  return x.children.every(
    (child) => typeof child !== 'string' && child.name === 'invite' && child.children.length === 0,
  )
}
