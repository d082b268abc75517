/** Answers to stanzas: results RFC 6120 §8.2.3 and errors RFC 6120 §8.3.1. */
import { Element } from './element.ts'
import type { StanzaError } from './errors.ts'

/** The result of an IQ request, addressed back to its sender. */
export function iqResult(request: Element, payload?: Element): Element {
  const { id, from, to } = request.attrs
  return new Element('iq', request.ns, { type: 'result', id, from: to, to: from }, payload ? [payload] : [])
}

/** The error that answers a stanza; the offending payload is not echoed. */
export function errorReply(stanza: Element, error: StanzaError): Element {
  const { id, from, to } = stanza.attrs
  return new Element(stanza.name, stanza.ns, { type: 'error', id, from: to, to: from }, [error.toElement()])
}
