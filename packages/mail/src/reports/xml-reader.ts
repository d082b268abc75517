/**
 * XML 1.0 as machines write it, read as it comes in: elements and their text, without namespaces and attributes. Document type declarations are refused, and with them
 * every entity but the five of XML itself (RFC 9990 §8.1): nothing grows by being read.
 */

export interface XmlEvents {
  /** Its name without a prefix. */
  open(name: string): void
  /** All text of an element that has nothing else; of others the text behind their last child. */
  close(text: string): void
}

/** Of one tag, comment or text. */
const TOKEN_CHARS_MAX = 64 * 1024
const DEPTH_MAX = 32
const NAME = String.raw`[\p{L}_][\p{L}\p{N}_.\-]*`
const QNAME = String.raw`(?:${NAME}:)?(${NAME})`
const ATTRIBUTE = String.raw`\s+${NAME}(?::${NAME})?\s*=\s*(?:"[^"<]*"|'[^'<]*')`
const START = new RegExp(String.raw`^<${QNAME}(?:${ATTRIBUTE})*\s*(/?)>$`, 'u')
const END = new RegExp(String.raw`^</${QNAME}\s*>$`, 'u')
/** The end of a start tag is not a `>` within quotes. */
const TAG = /^<(?:[^"'>]|"[^"]*"|'[^']*')*>/
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

export class XmlReader {
  readonly #events: XmlEvents
  readonly #open: string[] = []
  #rest = ''
  #text = ''
  #isRootSeen = false
  #fault = false

  constructor(events: XmlEvents) {
    this.#events = events
  }

  /** It is not well-formed, or too long in one of its parts: nothing more is read. */
  get fault(): boolean {
    return this.#fault
  }

  write(chunk: string): void {
    if (this.#fault) return
    this.#rest += chunk
    let at = 0
    for (;;) {
      const end = this.#token(at)
      if (end === undefined || this.#fault) break
      at = end
    }
    this.#rest = this.#rest.slice(at)
    if (this.#rest.length > TOKEN_CHARS_MAX) this.#fault = true
  }

  /** Whether it was one whole document. */
  end(): boolean {
    return !this.#fault && this.#isRootSeen && this.#open.length === 0 && this.#rest.trim() === ''
  }

  /** Reads one token; undefined: it is not there whole. */
  #token(at: number): number | undefined {
    const rest = this.#rest
    if (at >= rest.length) return undefined
    if (rest[at] !== '<') {
      const end = rest.indexOf('<', at)
      if (end === -1) return undefined
      this.#characters(rest.slice(at, end))
      return end
    }
    for (const [begin, close] of [
      ['<!--', '-->'],
      ['<![CDATA[', ']]>'],
      ['<?', '?>'],
    ] as const) {
      if (!rest.startsWith(begin, at)) continue
      const end = rest.indexOf(close, at + begin.length)
      if (end === -1) return undefined
      if (begin === '<![CDATA[') this.#take(rest.slice(at + begin.length, end))
      return end + close.length
    }
    if (rest.startsWith('<!', at)) {
      const isYetUnknown = ['<!--', '<![CDATA['].some((begin) => begin.startsWith(rest.slice(at, at + 9)))
      this.#fault = !isYetUnknown
      return undefined
    }
    const [tag] = TAG.exec(rest.slice(at, at + TOKEN_CHARS_MAX)) ?? []
    if (tag === undefined) return undefined
    this.#tag(tag)
    return at + tag.length
  }

  #tag(tag: string): void {
    const [, closed] = END.exec(tag) ?? []
    if (closed !== undefined) return this.#end(closed)
    const [, opened, empty] = START.exec(tag) ?? []
    const isSecondRoot = this.#open.length === 0 && this.#isRootSeen
    if (opened === undefined || isSecondRoot || this.#open.length >= DEPTH_MAX) {
      this.#fault = true
      return
    }
    this.#isRootSeen = true
    this.#open.push(opened)
    this.#text = ''
    this.#events.open(opened)
    if (empty === '/') this.#end(opened)
  }

  #end(name: string): void {
    if (this.#open.pop() !== name) {
      this.#fault = true
      return
    }
    const text = this.#text
    this.#text = ''
    this.#events.close(text)
  }

  #characters(raw: string): void {
    const text = raw.replaceAll(
      /&(?:#(\d{1,7})|#x([\dA-Fa-f]{1,6})|(\w{1,8}));?/g,
      (whole, decimal, hex, name) =>
        whole.endsWith(';') ? this.#entity(decimal as string, hex as string, name as string) : this.#broken(),
    )
    if (/&(?![#\w])/.test(raw)) this.#fault = true
    this.#take(text)
  }

  #entity(decimal?: string, hex?: string, name?: string): string {
    if (name !== undefined) return ENTITIES[name] ?? this.#broken()
    const point = Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10)
    return point > 0 && point <= 0x10_ffff ? String.fromCodePoint(point) : this.#broken()
  }

  #broken(): string {
    this.#fault = true
    return ''
  }

  /** Outside of the root there are blanks, and a byte order mark before it. */
  #take(text: string): void {
    if (this.#open.length === 0) {
      if (text.replace(/^\uFEFF/, '').trim() !== '') this.#fault = true
      return
    }
    this.#text += text
    if (this.#text.length > TOKEN_CHARS_MAX) this.#fault = true
  }
}
