/**
 * Strict reading of one complete element: the restricted XML of RFC 6120 §11.1 (no comments, processing
 * instructions, DTD, or entities beyond the five), well-formedness (XML 1.0) and namespaces (XML Names 1.0).
 * Its size is bounded by the stream parser.
 */
import { type Attributes, Element, type XmlNode } from './element.ts'
import { StreamError } from './errors.ts'
import { endOfAsciiName, endOfNameBytes, isNcName } from './names.ts'
import { NS_CLIENT, NS_XML } from './namespaces.ts'
import { Source } from './source.ts'

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

const NO_SCOPE: StreamScope = { defaultNs: '', prefixes: new Map() }
export const clientScope: StreamScope = { defaultNs: NS_CLIENT, prefixes: new Map() }

const notWellFormed = () => new StreamError('not-well-formed')
const restricted = () => new StreamError('restricted-xml')

/** Reads one complete element; throws StreamError. */
export function readElement(text: string, scope: StreamScope = clientScope, limits = readLimits): Element {
  return readSource(new Source(Buffer.from(text)), scope, limits)
}

/** As `readElement`, from the bytes of a stream. */
export function readSource(source: Source, scope: StreamScope, limits = readLimits): Element {
  return new StanzaReader(source, scope, limits).readRoot()
}

/**
 * Reads a stream header `<stream:stream …>` (RFC 6120 §4.7): the start tag as an element without children, and the
 * scope it sets for the stanzas that follow.
 */
export function readStreamHeader(text: string): StreamHeader {
  return readHeaderSource(new Source(Buffer.from(text)))
}

/** As `readStreamHeader`, from the bytes of a stream; `outer`: what holds where it stands. */
export function readHeaderSource(source: Source, outer: StreamScope = NO_SCOPE): StreamHeader {
  return new StanzaReader(source, outer, readLimits).readHeader()
}

export interface StreamHeader {
  readonly header: Element
  /** The name as written, which the closing tag must repeat (XML 1.0 §3). */
  readonly qualifiedName: string
  readonly scope: StreamScope
}

const NO_CHILDREN: readonly XmlNode[] = []
const NO_ATTRIBUTES: Attributes = {}

interface Tag {
  readonly name: string
  readonly ns: string
  readonly qualifiedName: string
  readonly attrs: Attributes
  readonly empty: boolean
}

class StanzaReader {
  readonly #source: Source
  readonly #text: string
  readonly #limits: ReadLimits
  /** What need not be looked for, piece by piece, when the whole has none. */
  readonly #hasReferences: boolean
  readonly #hasReturns: boolean
  readonly #hasSectionEnds: boolean
  #pos = 0
  #elements = 0
  #defaultNs: string
  #bindings: Binding | undefined
  /** The attributes of the start tag being read, as written, declarations included. */
  readonly #names: string[] = []
  readonly #values: string[] = []
  #attributes = 0
  /** Of the start tag read last: it has an attribute with a prefix; it sets the default namespace. */
  #prefixed = false
  #declaresDefault = false
  /** Children of the elements that are open, so that each list is made once, in its size. */
  readonly #nodes: XmlNode[] = []
  #nodeCount = 0
  /**
   * False once the current child of the root used a default namespace declared outside itself, or any prefix: it is
   * then written anew, so that nothing goes along that the tree does not show.
   */
  #selfContained = true

  constructor(source: Source, scope: StreamScope, limits: ReadLimits) {
    const { text } = source
    this.#source = source
    this.#text = text
    this.#limits = limits
    this.#hasReferences = text.includes('&')
    this.#hasReturns = text.includes('\r')
    this.#hasSectionEnds = text.includes(']]>')
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
    if (depth === 2 && !this.#declaresDefault && outerDefault !== NS_CLIENT) this.#selfContained = false
    const children = tag.empty ? NO_CHILDREN : this.#readContent(tag, depth)
    this.#defaultNs = outerDefault
    this.#bindings = outerBindings
    const source = depth === 2 && this.#selfContained ? this.#source.slice(start, this.#pos) : undefined
    return new Element(tag.name, tag.ns, tag.attrs, children, source)
  }

  #readStartTag(): Tag {
    const text = this.#text
    if (text.charCodeAt(this.#pos) !== 0x3c) throw notWellFormed()
    this.#pos++
    const qualifiedName = this.#readName()
    this.#readAttributes()
    const empty = text.charCodeAt(this.#pos) === 0x2f
    if (empty) this.#pos++
    if (text.charCodeAt(this.#pos++) !== 0x3e) throw notWellFormed()
    const colon = qualifiedName.indexOf(':')
    const name = colon < 0 ? qualifiedName : qualifiedName.slice(colon + 1)
    const ns = colon < 0 ? this.#defaultNs : this.#namespaceOf(qualifiedName.slice(0, colon))
    const attrs = this.#prefixed ? this.#resolveAttributes() : this.#plainAttributes()
    return { name, ns, qualifiedName, attrs, empty }
  }

  /** Reads the attributes of a start tag into `#names` and `#values`; stops at its end. Prefixes declared here are in scope then. */
  #readAttributes(): void {
    const text = this.#text
    this.#attributes = 0
    this.#declaresDefault = false
    this.#prefixed = false
    for (;;) {
      const spaced = this.#skipSpace()
      const code = text.charCodeAt(this.#pos)
      if (code === 0x3e || code === 0x2f) return
      if (!spaced) throw notWellFormed()
      if (this.#attributes >= this.#limits.attributesMax)
        throw new StreamError('policy-violation', 'Too many attributes')
      const name = this.#readName()
      const value = this.#readAttributeValue()
      this.#addAttribute(name, value)
      if (name === 'xmlns') {
        this.#declareDefault(value)
      } else if (name.includes(':')) {
        this.#prefixed = true
        if (name.startsWith('xmlns:')) this.#declarePrefix(name.slice(6), value)
      }
    }
  }

  #addAttribute(name: string, value: string): void {
    const count = this.#attributes
    for (let index = 0; index < count; index++) {
      if (this.#names[index] === name) throw notWellFormed() // XML 1.0 §3.1
    }
    this.#names[count] = name
    this.#values[count] = value
    this.#attributes = count + 1
  }

  /** XML Names 1.0 §3: the reserved namespace names are never the default. */
  #declareDefault(ns: string): void {
    if (ns === NS_XMLNS || ns === NS_XML) throw notWellFormed()
    this.#defaultNs = ns
    this.#declaresDefault = true
  }

  /** XML Names 1.0 §3: reserved prefixes and namespace names, no undeclaring of prefixes. */
  #declarePrefix(prefix: string, ns: string): void {
    if (ns === NS_XMLNS || prefix === 'xmlns' || ns === '') throw notWellFormed()
    if ((prefix === 'xml') !== (ns === NS_XML)) throw notWellFormed()
    if (prefix !== 'xml') this.#bind(prefix, ns)
    this.#selfContained = false
  }

  #bind(prefix: string, ns: string): void {
    const count = (this.#bindings?.count ?? 0) + 1
    if (count > this.#limits.prefixesMax) throw new StreamError('policy-violation', 'Too many prefixes')
    this.#bindings = { prefix, ns, count, outer: this.#bindings }
  }

  /** Of a tag whose attributes have no prefixes. */
  #plainAttributes(): Attributes {
    if (this.#attributes === (this.#declaresDefault ? 1 : 0)) return NO_ATTRIBUTES
    const attrs: Record<string, string> = {}
    for (let index = 0; index < this.#attributes; index++) {
      const name = this.#names[index] ?? ''
      if (name === 'xmlns') continue
      if (name === '__proto__') throw notWellFormed()
      attrs[name] = this.#values[index] ?? ''
    }
    return attrs
  }

  #resolveAttributes(): Attributes {
    const attrs: Record<string, string> = {}
    for (let index = 0; index < this.#attributes; index++) {
      const qualifiedName = this.#names[index] ?? ''
      if (qualifiedName === 'xmlns' || qualifiedName.startsWith('xmlns:')) continue
      const key = this.#attributeKey(qualifiedName)
      if (Object.hasOwn(attrs, key) || key === '__proto__') throw notWellFormed()
      attrs[key] = this.#values[index] ?? ''
    }
    return attrs
  }

  #attributeKey(qualifiedName: string): string {
    const colon = qualifiedName.indexOf(':')
    if (colon < 0 || qualifiedName.startsWith('xml:')) return qualifiedName
    return `{${this.#namespaceOf(qualifiedName.slice(0, colon))}}${qualifiedName.slice(colon + 1)}`
  }

  /** An undeclared prefix is not well-formed (RFC 6120 §4.9.3.1 bad-namespace-prefix). */
  #namespaceOf(prefix: string): string {
    if (prefix === 'xml') return NS_XML
    for (let binding = this.#bindings; binding; binding = binding.outer) {
      if (binding.prefix !== prefix) continue
      this.#selfContained = false
      return binding.ns
    }
    throw new StreamError('bad-namespace-prefix')
  }

  #readContent(tag: Tag, depth: number): readonly XmlNode[] {
    const text = this.#text
    const first = this.#nodeCount
    let run = ''
    for (;;) {
      const open = text.indexOf('<', this.#pos)
      if (open < 0) throw notWellFormed()
      if (open > this.#pos) run += this.#readText(open)
      this.#pos = open
      const next = text.charCodeAt(open + 1)
      if (next === 0x21) {
        run += this.#readCdata()
        continue
      }
      if (next === 0x3f) throw restricted()
      if (next === 0x2f && this.#nodeCount === first) {
        this.#readEndTag(tag.qualifiedName)
        return run === '' ? NO_CHILDREN : [run]
      }
      if (run !== '') {
        this.#addNode(run)
        run = ''
      }
      if (next === 0x2f) {
        this.#readEndTag(tag.qualifiedName)
        const children = this.#nodes.slice(first, this.#nodeCount)
        this.#nodeCount = first
        return children
      }
      this.#addNode(this.#readElement(depth + 1))
    }
  }

  #addNode(node: XmlNode): void {
    this.#nodes[this.#nodeCount++] = node
  }

  #readCdata(): string {
    if (!this.#text.startsWith('<![CDATA[', this.#pos)) throw restricted()
    const end = this.#text.indexOf(']]>', this.#pos + 9)
    if (end < 0) throw notWellFormed()
    const content = this.#source.slice(this.#pos + 9, end)
    this.#pos = end + 3
    return normalizeLineEnds(content)
  }

  /** Character data up to the next markup. */
  #readText(end: number): string {
    const raw = this.#source.slice(this.#pos, end)
    if (this.#hasSectionEnds && raw.includes(']]>')) throw notWellFormed() // XML 1.0 §2.4
    const text = this.#hasReturns ? normalizeLineEnds(raw) : raw
    return this.#hasReferences ? decodeReferences(text) : text
  }

  #readEndTag(qualifiedName: string): void {
    this.#pos += 2
    if (this.#readName() !== qualifiedName) throw notWellFormed()
    this.#skipSpace()
    if (this.#text.charCodeAt(this.#pos++) !== 0x3e) throw notWellFormed()
  }

  /** A QName: one or two NCNames (XML Names 1.0 §4). */
  #readName(): string {
    const text = this.#text
    const start = this.#pos
    let end = endOfAsciiName(text, start)
    if (text.charCodeAt(end) === 0x3a) end = endOfAsciiName(text, end + 1)
    if (end < 0) return this.#readRareName(start)
    this.#pos = end
    return text.slice(start, end)
  }

  /** A name that is not of ASCII alone, or none. */
  #readRareName(start: number): string {
    let end = endOfNameBytes(this.#text, start)
    if (this.#text.charCodeAt(end) === 0x3a) end = endOfNameBytes(this.#text, end + 1)
    this.#pos = end
    const name = this.#source.slice(start, end)
    if (!name.split(':').every(isNcName)) throw notWellFormed()
    return name
  }

  #readAttributeValue(): string {
    const text = this.#text
    this.#skipSpace()
    if (text.charCodeAt(this.#pos++) !== 0x3d) throw notWellFormed()
    this.#skipSpace()
    const quote = text.charCodeAt(this.#pos)
    if (quote !== 0x22 && quote !== 0x27) throw notWellFormed()
    const start = this.#pos + 1
    const end = text.indexOf(quote === 0x22 ? '"' : "'", start)
    if (end < 0) throw notWellFormed()
    this.#pos = end + 1
    const raw = this.#source.slice(start, end)
    if (!ATTRIBUTE_SPECIAL.test(raw)) return raw
    if (raw.includes('<')) throw notWellFormed()
    return decodeReferences(normalizeLineEnds(raw).replace(/[\t\n]/g, ' '))
  }

  #skipSpace(): boolean {
    const start = this.#pos
    while (isSpace(this.#text.charCodeAt(this.#pos))) this.#pos++
    return this.#pos > start
  }
}

/** What an attribute's value must not or cannot hold as it stands (XML 1.0 §3.1, §3.3.3). */
const ATTRIBUTE_SPECIAL = /[<&\t\n\r]/

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x09 || code === 0x0d
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
