/** Errors in the wire's own vocabulary: stanza errors RFC 6120 §8.3, stream errors RFC 6120 §4.9. */
import { OperationalError } from '@sealpost/errors'
import { type Element, element, escapeXml } from './element.ts'
import { NS_CLIENT, NS_STANZAS, NS_STREAMS } from './namespaces.ts'

/** RFC 6120 §8.3.2 */
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

/** RFC 6120 §8.3.3 */
export const stanzaErrorConditions = [
  'bad-request',
  'conflict',
  'feature-not-implemented',
  'forbidden',
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'not-acceptable',
  'not-allowed',
  'not-authorized',
  'policy-violation',
  'recipient-unavailable',
  'redirect',
  'registration-required',
  'remote-server-not-found',
  'remote-server-timeout',
  'resource-constraint',
  'service-unavailable',
  'subscription-required',
  'undefined-condition',
  'unexpected-request',
] as const

export type StanzaErrorCondition = (typeof stanzaErrorConditions)[number]

/** COMPAT: XEP-0086 §3; profanity 0.13 publishes its first OMEMO device list only when it sees the code of `item-not-found`. */
const legacyCodes: Partial<Record<StanzaErrorCondition, string>> = { 'item-not-found': '404' }

/** An error that answers one stanza and leaves the stream open. `text` is fixed text, never a cause's message. */
export class StanzaError extends OperationalError {
  override readonly name = 'StanzaError'
  readonly type: StanzaErrorType
  readonly condition: StanzaErrorCondition
  readonly text: string | undefined
  /** Application-specific condition, RFC 6120 §8.3.4. */
  readonly application: Element | undefined

  constructor(type: StanzaErrorType, condition: StanzaErrorCondition, text?: string, application?: Element) {
    super(`XMPP_STANZA_${condition.toUpperCase().replaceAll('-', '_')}`, condition)
    this.type = type
    this.condition = condition
    this.text = text
    this.application = application
  }

  toElement(): Element {
    const children = [element(this.condition, NS_STANZAS)]
    if (this.text !== undefined) children.push(element('text', NS_STANZAS, { 'xml:lang': 'en' }, this.text))
    if (this.application) children.push(this.application)
    return element('error', NS_CLIENT, { code: legacyCodes[this.condition], type: this.type }, ...children)
  }
}

/** RFC 6120 §4.9.3 */
export type StreamErrorCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'remote-connection-failed'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'see-other-host'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-feature'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** An error that ends the stream, RFC 6120 §4.9.1.1. */
export class StreamError extends OperationalError {
  override readonly name = 'StreamError'
  readonly condition: StreamErrorCondition
  readonly text: string | undefined
  readonly application: Element | undefined

  constructor(condition: StreamErrorCondition, text?: string, application?: Element) {
    super(`XMPP_STREAM_${condition.toUpperCase().replaceAll('-', '_')}`, condition)
    this.condition = condition
    this.text = text
    this.application = application
  }

  /** XML with the `stream:` prefix that our stream headers declare. */
  toXml(): string {
    const text =
      this.text === undefined
        ? ''
        : `<text xmlns='${NS_STREAMS}' xml:lang='en'>${escapeXml(this.text)}</text>`
    const application = this.application?.toString() ?? ''
    return `<stream:error><${this.condition} xmlns='${NS_STREAMS}'/>${text}${application}</stream:error>`
  }
}
