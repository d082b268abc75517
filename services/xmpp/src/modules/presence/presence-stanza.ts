/** Presence on the wire (RFC 6121 §4.7): reading the priority. */
import { type Element, StanzaError } from '@sealpost/stanza'

const PRIORITY = /^[+-]?\d{1,3}$/

/** RFC 6121 §4.7.2.3: an integer from -128 to 127, 0 when absent; throws StanzaError `bad-request`. */
export function readPriority(presence: Element): number {
  const text = presence.child('priority')?.text().trim()
  if (text === undefined) return 0
  const priority = PRIORITY.test(text) ? Number.parseInt(text, 10) : Number.NaN
  if (!(priority >= -128 && priority <= 127)) throw new StanzaError('modify', 'bad-request')
  return priority
}
