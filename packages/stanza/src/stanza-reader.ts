/**
 * Strict reading of one complete element: the restricted XML of RFC 6120 §11.1 (no comments, processing
 * instructions, DTD, or entities beyond the five), well-formedness (XML 1.0) and namespaces (XML Names 1.0).
 * The text is already known to be valid UTF-8 and bounded in size by the stream parser.
 */
import { Element, type XmlNode } from './element.ts'
import { StreamError } from './errors.ts'
import { NS_CLIENT, NS_XML } from './namespaces.ts'

const NS_XMLNS = 'http://www.w3.org/2000/xmlns/'

/** Bounds of one element tree; beyond them the stream ends with `policy-violation`. */
export interface ReadLimits {
  readonly depthMax: number
  readonly attributesMax: number
  readonly elementsMax: number
  /** Prefixes in scope at one place, those of the stream header included. */
  readonly prefixesMax: number
}

export const readLimits: ReadLimits = {
  depthMax: 64,
  attributesMax: 64,
  elementsMax: 4096,
  prefixesMax: 128,
}

/** Prefix bindings in scope, innermost first. */
interface Binding {
  readonly prefix: string
  readonly ns: string
  /** How many are in scope, this one included. */
  readonly count: number
  readonly outer: Binding | undefined
}

/** The namespace context that a stream header sets for its stanzas. */
export interface StreamScope {
  readonly defaultNs: string
  readonly prefixes: ReadonlyMap<string, string>
}

export const clientScope: StreamScope = { defaultNs: NS_CLIENT, prefixes: new Map() }

const ASCII_NCNAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const NCNAME =
  /^[A-Z_a-z\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{2FF}\u{370}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}][-.0-9A-Z_a-z\u{B7}\u{C0}-\u{D6}\u{D8}-\u{F6}\u{F8}-\u{37D}\u{37F}-\u{1FFF}\u{200C}-\u{200D}\u{203F}-\u{2040}\u{2070}-\u{218F}\u{2C00}-\u{2FEF}\u{3001}-\u{D7FF}\u{F900}-\u{FDCF}\u{FDF0}-\u{FFFD}\u{10000}-\u{EFFFF}]*$/u
// oxlint-disable-next-line no-control-regex -- these are the characters to refuse
const ILLEGAL_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/ // XML 1.0 §2.2

const notWellFormed = () => new StreamError('not-well-formed')
const restricted = () => new StreamError('restricted-xml')

/** Reads one complete element; throws StreamError. */
export function readElement(text: string, scope: StreamScope = clientScope, limits = readLimits): Element {
  if (ILLEGAL_CHARACTER.test(text)) throw notWellFormed()
  return new StanzaReader(text, scope, limits).readRoot()
}

/**
 * Reads a stream header `<stream:stream …>` (RFC 6120 §4.7): the start tag as an element without children, and the
 * scope it sets for the stanzas that follow.
 */
export function readStreamHeader(text: string): StreamHeader {
  if (ILLEGAL_CHARACTER.test(text)) throw notWellFormed()
  return new StanzaReader(text, { defaultNs: '', prefixes: new Map() }, readLimits).readHeader()
}

export interface StreamHeader {
  readonly header: Element
  /** The name as written, which the closing tag must repeat (XML 1.0 §3). */
  readonly qualifiedName: string
  readonly scope: StreamScope
}

interface Tag {
  readonly name: string
  readonly ns: string
  readonly qualifiedName: string
  readonly attrs: Record<string, string>
  readonly empty: boolean
  readonly declaresDefault: boolean
}

class StanzaReader {
  readonly #text: string
  readonly #limits: ReadLimits
  #pos = 0
  #elements = 0
  #defaultNs: string
  #bindings: Binding | undefined
  /**
   * False once the current child of the root used a default namespace declared outside itself, or any prefix: it is
   * then written anew, so that nothing goes along that the tree does not show.
   */
  #selfContained = true

  constructor(text: string, scope: StreamScope, limits: ReadLimits) {
    this.#text = text
    this.#limits = limits
    this.#defaultNs = scope.defaultNs
    for (const [prefix, ns] of scope.prefixes) {
      this.#bind(prefix, ns)
    }
  }

  readRoot(): Element {
    const element = this.#readElement(1)
    if (this.#pos !== this.#text.length) throw notWellFormed()
    return element
  }

  readHeader(): StreamHeader {
    const tag = this.#readStartTag()
    if (tag.empty || this.#pos !== this.#text.length) throw notWellFormed()
    const prefixes = new Map<string, string>()
    for (let binding = this.#bindings; binding; binding = binding.outer) {
      if (!prefixes.has(binding.prefix)) prefixes.set(binding.prefix, binding.ns)
    }
    const header = new Element(tag.name, tag.ns, tag.attrs, [])
    return { header, qualifiedName: tag.qualifiedName, scope: { defaultNs: this.#defaultNs, prefixes } }
  }

  #readElement(depth: number): Element {
    if (depth > this.#limits.depthMax) throw new StreamError('policy-violation', 'Too deeply nested')
    if (++this.#elements > this.#limits.elementsMax)
      throw new StreamError('policy-violation', 'Too many elements')
    const start = this.#pos
    const outerDefault = this.#defaultNs
    const outerBindings = this.#bindings
    if (depth === 2) this.#selfContained = true
    const tag = this.#readStartTag()
    if (depth === 2 && !tag.declaresDefault && outerDefault !== NS_CLIENT) this.#selfContained = false
    const children = tag.empty ? [] : this.#readContent(tag, depth)
    this.#defaultNs = outerDefault
    this.#bindings = outerBindings
    const source = depth === 2 && this.#selfContained ? this.#text.slice(start, this.#pos) : undefined
    return new Element(tag.name, tag.ns, tag.attrs, children, source)
  }

  #readStartTag(): Tag {
    const text = this.#text
    if (text.charCodeAt(this.#pos) !== 0x3c) throw notWellFormed()
    this.#pos++
    const qualifiedName = this.#readName()
    const raw: [string, string][] = []
    let declaresDefault = false
    for (;;) {
      const spaced = this.#skipSpace()
      const code = text.charCodeAt(this.#pos)
      if (code === 0x3e || code === 0x2f) break
      if (!spaced) throw notWellFormed()
      if (raw.length >= this.#limits.attributesMax)
        throw new StreamError('policy-violation', 'Too many attributes')
      const name = this.#readName()
      const value = this.#readAttributeValue()
      if (name === 'xmlns' || name.startsWith('xmlns:')) {
        if (name === 'xmlns') declaresDefault = true
        this.#declare(name, value, raw)
      }
      raw.push([name, value])
    }
    const empty = text.charCodeAt(this.#pos) === 0x2f
    if (empty) this.#pos++
    if (text.charCodeAt(this.#pos++) !== 0x3e) throw notWellFormed()
    const [name, ns] = this.#resolve(qualifiedName, this.#defaultNs)
    return { name, ns, qualifiedName, attrs: this.#resolveAttributes(raw), empty, declaresDefault }
  }

  /** XML Names 1.0 §3: reserved prefixes and namespace names, no undeclaring of prefixes. */
  #declare(name: string, ns: string, raw: readonly [string, string][]): void {
    if (raw.some(([other]) => other === name)) throw notWellFormed()
    if (ns === NS_XMLNS) throw notWellFormed()
    if (name === 'xmlns') {
      if (ns === NS_XML) throw notWellFormed()
      this.#defaultNs = ns
      return
    }
    const prefix = name.slice(6)
    if (prefix === 'xmlns' || ns === '') throw notWellFormed()
    if ((prefix === 'xml') !== (ns === NS_XML)) throw notWellFormed()
    if (prefix !== 'xml') this.#bind(prefix, ns)
    this.#selfContained = false
  }

  #bind(prefix: string, ns: string): void {
    const count = (this.#bindings?.count ?? 0) + 1
    if (count > this.#limits.prefixesMax) throw new StreamError('policy-violation', 'Too many prefixes')
    this.#bindings = { prefix, ns, count, outer: this.#bindings }
  }

  #resolveAttributes(raw: readonly [string, string][]): Record<string, string> {
    const attrs: Record<string, string> = {}
    for (const [qualifiedName, value] of raw) {
      if (qualifiedName === 'xmlns' || qualifiedName.startsWith('xmlns:')) continue
      let key = qualifiedName
      if (qualifiedName.includes(':') && !qualifiedName.startsWith('xml:')) {
        const [name, ns] = this.#resolve(qualifiedName, '')
        key = `{${ns}}${name}`
      }
      if (Object.hasOwn(attrs, key)) throw notWellFormed()
      if (key === '__proto__') throw notWellFormed()
      attrs[key] = value
    }
    return attrs
  }

  /** [local name, namespace]; an undeclared prefix is not well-formed (RFC 6120 §4.9.3.1 bad-namespace-prefix). */
  #resolve(qualifiedName: string, defaultNs: string): [string, string] {
    const colon = qualifiedName.indexOf(':')
    if (colon < 0) return [qualifiedName, defaultNs]
    const prefix = qualifiedName.slice(0, colon)
    const name = qualifiedName.slice(colon + 1)
    if (prefix === 'xml') return [name, NS_XML]
    for (let binding = this.#bindings; binding; binding = binding.outer) {
      if (binding.prefix !== prefix) continue
      this.#selfContained = false
      return [name, binding.ns]
    }
    throw new StreamError('bad-namespace-prefix')
  }

  #readContent(tag: Tag, depth: number): XmlNode[] {
    const text = this.#text
    const children: XmlNode[] = []
    let run = ''
    for (;;) {
      const open = text.indexOf('<', this.#pos)
      if (open < 0) throw notWellFormed()
      if (open > this.#pos) run += decodeText(text.slice(this.#pos, open))
      this.#pos = open
      const next = text.charCodeAt(open + 1)
      if (next === 0x21) {
        run += this.#readCdata()
        continue
      }
      if (next === 0x3f) throw restricted()
      if (run !== '') {
        children.push(run)
        run = ''
      }
      if (next === 0x2f) {
        this.#readEndTag(tag.qualifiedName)
        return children
      }
      children.push(this.#readElement(depth + 1))
    }
  }

  #readCdata(): string {
    if (!this.#text.startsWith('<![CDATA[', this.#pos)) throw restricted()
    const end = this.#text.indexOf(']]>', this.#pos + 9)
    if (end < 0) throw notWellFormed()
    const content = this.#text.slice(this.#pos + 9, end)
    this.#pos = end + 3
    return normalizeLineEnds(content)
  }

  #readEndTag(qualifiedName: string): void {
    this.#pos += 2
    if (!this.#text.startsWith(qualifiedName, this.#pos)) throw notWellFormed()
    this.#pos += qualifiedName.length
    this.#skipSpace()
    if (this.#text.charCodeAt(this.#pos++) !== 0x3e) throw notWellFormed()
  }

  /** A QName: one or two NCNames (XML Names 1.0 §4). */
  #readName(): string {
    const text = this.#text
    const start = this.#pos
    let pos = start
    let colon = -1
    for (; pos < text.length; pos++) {
      const code = text.charCodeAt(pos)
      if (code <= 0x20 || code === 0x3d || code === 0x3e || code === 0x2f || code === 0x22 || code === 0x27)
        break
      if (code === 0x3a) {
        if (colon >= 0) throw notWellFormed()
        colon = pos - start
      }
    }
    this.#pos = pos
    const name = text.slice(start, pos)
    if (colon < 0 ? isNcName(name) : isNcName(name.slice(0, colon)) && isNcName(name.slice(colon + 1)))
      return name
    throw notWellFormed()
  }

  #readAttributeValue(): string {
    const text = this.#text
    this.#skipSpace()
    if (text.charCodeAt(this.#pos++) !== 0x3d) throw notWellFormed()
    this.#skipSpace()
    const quote = text[this.#pos]
    if (quote !== '"' && quote !== "'") throw notWellFormed()
    const end = text.indexOf(quote, this.#pos + 1)
    if (end < 0) throw notWellFormed()
    const raw = text.slice(this.#pos + 1, end)
    this.#pos = end + 1
    if (raw.includes('<')) throw notWellFormed()
    const spaced = ATTRIBUTE_SPACE.test(raw) ? normalizeLineEnds(raw).replace(/[\t\n]/g, ' ') : raw
    return decodeReferences(spaced)
  }

  #skipSpace(): boolean {
    const start = this.#pos
    while (isSpace(this.#text.charCodeAt(this.#pos))) this.#pos++
    return this.#pos > start
  }
}

const ATTRIBUTE_SPACE = /[\t\n\r]/

function isNcName(name: string): boolean {
  return ASCII_NCNAME.test(name) || NCNAME.test(name)
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
}

function decodeText(raw: string): string {
  if (raw.includes(']]>')) throw notWellFormed() // XML 1.0 §2.4
  return decodeReferences(normalizeLineEnds(raw))
}

function normalizeLineEnds(raw: string): string {
  return raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
}

const predefined = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['apos', "'"],
  ['quot', '"'],
])
const REFERENCE = /&(?:#(\d+)|#x([0-9A-Fa-f]+)|([^;&<\s]*));?/g

function decodeReferences(raw: string): string {
  if (!raw.includes('&')) return raw
  return raw.replace(REFERENCE, (match, decimal?: string, hex?: string, name?: string) => {
    if (!match.endsWith(';')) throw notWellFormed()
    if (decimal !== undefined) return characterReference(Number.parseInt(decimal, 10))
    if (hex !== undefined) return characterReference(Number.parseInt(hex, 16))
    const char = predefined.get(name ?? '')
    if (char !== undefined) return char
    throw isNcName(name ?? '') ? restricted() : notWellFormed()
  })
}

/** XML 1.0 §4.1: a character reference must name a legal character. */
function characterReference(code: number): string {
  const legal =
    code === 0x9 ||
    code === 0xa ||
    code === 0xd ||
    (code >= 0x20 && code <= 0xd7ff) ||
    (code >= 0xe000 && code <= 0xfffd) ||
    (code >= 0x10000 && code <= 0x10ffff)
  if (!legal) throw notWellFormed()
  return String.fromCodePoint(code)
}
