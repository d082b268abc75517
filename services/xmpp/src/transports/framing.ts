/**
 * RFC 7395 §3: XMPP in the messages of a WebSocket, each one element of its own, with `<open/>` and `<close/>` instead of the tags of a stream. The stream behind a
 * connection speaks as over TCP (RFC 6120 §4); here one form is turned into the other.
 */
import {
  attributesToString,
  type Element,
  element,
  NS_CLIENT,
  NS_FRAMING,
  NS_STREAM,
  readElement,
  StreamParser,
} from '@sealpost/stanza'

const FRAME = /^\s*<(?:[A-Za-z_][\w.-]*:)?(?:open|close)[\s/>]/
const CLOSING_TAG = '</stream:stream>'
const DECLARATION = '<?xml'
/** What the server writes: what clients may send (`readLimits`), wrapped in elements of its own. */
const ELEMENT_BYTES_MAX = 64 * 1024 * 1024
const WRITTEN_LIMITS = { depthMax: 128, attributesMax: 128, elementsMax: 100_000, prefixesMax: 256 }

/** A message of the client as its stream reads it. Throws StreamError when `<open/>` or `<close/>` is ill-formed. */
export function unframe(message: string): string {
  if (!FRAME.test(message)) return message
  const frame = readElement(message)
  if (frame.is('close', NS_FRAMING)) return CLOSING_TAG // RFC 7395 §3.6
  if (!frame.is('open', NS_FRAMING)) return message
  // RFC 7395 §3.4
  const namespaces = { xmlns: NS_CLIENT, 'xmlns:stream': NS_STREAM }
  return `<stream:stream${attributesToString({ ...namespaces, ...frame.attrs })}>`
}

/** What a stream writes, as messages. */
export class Framer {
  readonly #send: (message: string) => void
  readonly #parser: StreamParser

  constructor(send: (message: string) => void) {
    this.#send = send
    this.#parser = new StreamParser(
      {
        onHeader: ({ attrs }) => this.#send(String(element('open', NS_FRAMING, attrs))),
        onElement: (each) => this.#send(standalone(each)),
        onClose: () => this.#send(String(element('close', NS_FRAMING))),
      },
      ELEMENT_BYTES_MAX,
      WRITTEN_LIMITS,
    )
  }

  /** Whole elements and tags only. A header may come again (RFC 7395 §3.7). */
  write(xml: string): void {
    const header = xml.indexOf(DECLARATION)
    if (header < 0) return this.#parse(xml)
    this.#parse(xml.slice(0, header))
    this.#parser.restart()
    this.#parse(xml.slice(header))
  }

  #parse(xml: string): void {
    if (xml !== '') this.#parser.write(Buffer.from(xml))
  }
}

/** RFC 7395 §3.3.3: an element that declares its own namespace; those of streams with their usual prefix. */
function standalone(each: Element): string {
  if (each.ns !== NS_STREAM) return each.toString('')
  const attrs = attributesToString({ 'xmlns:stream': NS_STREAM, ...each.attrs })
  return `<stream:${each.name}${attrs}>${each.innerXml('')}</stream:${each.name}>`
}
