/**
 * XML documents of any length, piece by piece: the elements that hold others are opened and closed, what is in them is read as a whole, by the strict rules of `readSource`,
 * or passed over without being kept. Several documents may follow each other with a form feed between them, a character that XML has not, so that a broken one does not spoil
 * the next. As in streams there are no comments, no processing instructions and no DTD. What it holds is at most one element.
 */
import type { Element } from './element.ts'
import { StreamError, type StreamErrorCondition } from './errors.ts'
import { Source } from './source.ts'
import {
  readHeaderSource,
  readLimits,
  readSource,
  type ReadLimits,
  type StreamScope,
} from './stanza-reader.ts'
import { checkDeclaration } from './xml-declaration.ts'

export type DocumentPart =
  /** The start tag of an element that holds others, without its children. */
  | { readonly kind: 'open'; readonly element: Element }
  | { readonly kind: 'close' }
  /** Complete. */
  | { readonly kind: 'element'; readonly element: Element }
  /** The start tag of what is left out: it was not wanted, is larger than allowed, or cannot be read. */
  | {
      readonly kind: 'skipped'
      readonly element: Element
      readonly why: 'unwanted' | 'too-large' | 'malformed'
    }
  /** The document is left out from here on. */
  | { readonly kind: 'broken'; readonly condition: StreamErrorCondition }
  /** The end of a document, broken or not; of an empty one, too, if a form feed follows. */
  | { readonly kind: 'end' }

export interface DocumentReaderOptions {
  /** What becomes of an element, by its start tag and that of the opened one it is in; undefined: it is the root. Opened elements have others in them, and white space. */
  readonly decide: (element: Element, parent: Element | undefined) => 'open' | 'read' | 'skip'
  /** Of one element that is read. */
  readonly elementBytesMax: number
  readonly limits?: ReadLimits
}

/** Of a start tag, an end tag or the declaration. */
const TAG_BYTES_MAX = 64 * 1024
const ROOT_SCOPE: StreamScope = { defaultNs: '', prefixes: new Map() }

const LT = 0x3c
const GT = 0x3e
const SLASH = 0x2f
const BANG = 0x21
const QUESTION = 0x3f
const BRACKET = 0x5d
const FORM_FEED = 0x0c
const CDATA_OPEN = Buffer.from('<![CDATA[')

type State = 'text' | 'markup' | 'tag' | 'quoted' | 'bang' | 'cdata' | 'declaration'
type Completed = 'nothing' | 'start' | 'empty' | 'end' | 'declaration'

interface Opened {
  readonly element: Element
  readonly qualifiedName: string
  readonly scope: StreamScope
}

/** An element that is read, or passed over and why. */
interface Inner {
  /** Its start tag. */
  readonly element: Element
  readonly scope: StreamScope
  readonly skipped: 'unwanted' | 'too-large' | undefined
}

export class DocumentReader {
  readonly #options: DocumentReaderOptions
  #parts: DocumentPart[] = []
  #state: State = 'text'
  #completed: Completed = 'nothing'
  #isBroken = false
  /** The document has some markup, of which this is the first; its root has ended. */
  #begun = false
  #isFirst = false
  #ended = false
  #opened: Opened[] = []
  #inner: Inner | undefined
  /** How many elements are open in the inner one, itself included. */
  #innerDepth = 0
  #closing = false
  #slash = false
  #quote = 0
  #matched = 0
  /** What is kept: markup between elements, or the element that is read. */
  #held: Buffer[] = []
  #heldBytes = 0

  constructor(options: DocumentReaderOptions) {
    this.#options = options
  }

  /** What the bytes complete. */
  write(chunk: Buffer): DocumentPart[] {
    let rest = chunk
    for (let end = rest.indexOf(FORM_FEED); end !== -1; end = rest.indexOf(FORM_FEED)) {
      this.#read(rest.subarray(0, end))
      if (!this.#begun) this.#parts.push({ kind: 'end' })
      this.#endDocument()
      rest = rest.subarray(end + 1)
    }
    this.#read(rest)
    return this.#takeParts()
  }

  /** There are no more bytes. */
  end(): DocumentPart[] {
    this.#endDocument()
    return this.#takeParts()
  }

  #takeParts(): DocumentPart[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  #read(bytes: Buffer): void {
    if (this.#isBroken) return
    try {
      for (let pos = 0; pos < bytes.length;) pos = this.#step(bytes, pos)
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.#isBroken = this.#begun = true
      this.#take()
      this.#parts.push({ kind: 'broken', condition: error.condition })
    }
  }

  #endDocument(): void {
    if (this.#begun) {
      if (!this.#isBroken && !this.#ended) this.#parts.push({ kind: 'broken', condition: 'not-well-formed' })
      this.#parts.push({ kind: 'end' })
    }
    this.#isBroken = this.#begun = this.#ended = false
    this.#state = 'text'
    this.#opened = []
    this.#inner = undefined
    this.#take()
  }

  /** Reads one piece; where it ends. */
  #step(bytes: Buffer, pos: number): number {
    const isMarkup = this.#state !== 'text' || bytes[pos] === LT
    const end = isMarkup ? this.#passMarkup(bytes, pos) : this.#passText(bytes, pos)
    if (this.#inner === undefined ? isMarkup : this.#inner.skipped === undefined)
      this.#hold(bytes.subarray(pos, end))
    const completed = this.#completed
    this.#completed = 'nothing'
    if (completed !== 'nothing') this.#complete(completed)
    return end
  }

  #passText(bytes: Buffer, pos: number): number {
    const next = bytes.indexOf(LT, pos)
    const end = next === -1 ? bytes.length : next
    if (this.#inner === undefined && !isWhiteSpace(bytes.subarray(pos, end)))
      throw new StreamError('not-well-formed')
    return end
  }

  #passMarkup(bytes: Buffer, pos: number): number {
    switch (this.#state) {
      case 'text':
        this.#isFirst = !this.#begun
        this.#begun = true
        this.#state = 'markup'
        return pos + 1
      case 'markup':
        return this.#passFirst(bytes[pos], pos)
      case 'tag':
        return this.#passTag(bytes, pos)
      case 'quoted':
        return this.#passUntil(bytes, pos, this.#quote, 'tag')
      case 'declaration':
        return this.#passUntil(bytes, pos, GT, 'text', 'declaration')
      case 'bang':
        if (bytes[pos] !== CDATA_OPEN[this.#matched]) throw new StreamError('restricted-xml')
        if (++this.#matched === CDATA_OPEN.length) {
          this.#state = 'cdata'
          this.#matched = 0
        }
        return pos + 1
      case 'cdata':
    }
    return this.#passCdata(bytes, pos)
  }

  /** The character after `<` says what it is. */
  #passFirst(byte: number | undefined, pos: number): number {
    this.#closing = byte === SLASH
    this.#slash = false
    if (byte === QUESTION) {
      if (!this.#isFirst) throw new StreamError('restricted-xml')
      this.#state = 'declaration'
    } else if (byte === BANG) {
      if (this.#inner === undefined) throw new StreamError('restricted-xml')
      this.#state = 'bang'
      this.#matched = 2
    } else {
      this.#state = 'tag'
      return this.#closing ? pos + 1 : pos
    }
    return pos + 1
  }

  #passTag(bytes: Buffer, from: number): number {
    for (let pos = from; pos < bytes.length; pos++) {
      const byte = bytes[pos]
      if (byte === GT) {
        this.#state = 'text'
        this.#completed = this.#closing ? 'end' : this.#slash ? 'empty' : 'start'
        return pos + 1
      }
      if (this.#slash || byte === LT) throw new StreamError('not-well-formed')
      this.#slash = byte === SLASH
      if (byte === 0x22 || byte === 0x27) {
        this.#state = 'quoted'
        this.#quote = byte
        return pos + 1
      }
    }
    return bytes.length
  }

  #passUntil(
    bytes: Buffer,
    pos: number,
    byte: number,
    next: State,
    completed: Completed = 'nothing',
  ): number {
    const end = bytes.indexOf(byte, pos)
    if (end === -1) return bytes.length
    this.#state = next
    this.#completed = completed
    return end + 1
  }

  #passCdata(bytes: Buffer, from: number): number {
    for (let pos = from; pos < bytes.length; pos++) {
      const byte = bytes[pos]
      if (byte === BRACKET) {
        if (this.#matched < 2) this.#matched++
      } else if (byte === GT && this.#matched === 2) {
        this.#state = 'text'
        return pos + 1
      } else {
        this.#matched = 0
      }
    }
    return bytes.length
  }

  #complete(completed: Exclude<Completed, 'nothing'>): void {
    if (this.#inner !== undefined) {
      if (completed === 'start') this.#innerDepth++
      if (completed === 'end') this.#innerDepth--
      if (this.#innerDepth === 0) this.#endInner(this.#inner)
      return
    }
    const source = new Source(this.#take())
    if (completed === 'declaration') checkDeclaration(source.text)
    else if (completed === 'end') this.#close(source.text)
    else if (this.#ended) throw new StreamError('not-well-formed')
    else if (completed === 'empty') this.#addEmpty(source)
    else this.#start(source)
  }

  #close(tag: string): void {
    const opened = this.#opened.pop()
    if (tag.slice(2, -1).trimEnd() !== opened?.qualifiedName) throw new StreamError('not-well-formed')
    this.#parts.push({ kind: 'close' })
    this.#ended = this.#opened.length === 0
  }

  #start(source: Source): void {
    const { header, qualifiedName, scope } = readHeaderSource(source, this.#scope)
    const decided = this.#options.decide(header, this.#opened.at(-1)?.element)
    if (decided === 'open') {
      this.#opened.push({ element: header, qualifiedName, scope })
      this.#parts.push({ kind: 'open', element: header })
      return
    }
    const skipped = decided === 'skip' ? 'unwanted' : undefined
    this.#inner = { element: header, scope: this.#scope, skipped }
    this.#innerDepth = 1
    if (skipped === undefined) this.#hold(source.bytes)
  }

  #addEmpty(source: Source): void {
    const element = readSource(source, this.#scope, this.#options.limits ?? readLimits)
    const decided = this.#options.decide(element, this.#opened.at(-1)?.element)
    if (decided === 'open') this.#parts.push({ kind: 'open', element }, { kind: 'close' })
    else if (decided === 'read') this.#parts.push({ kind: 'element', element })
    else this.#parts.push({ kind: 'skipped', element, why: 'unwanted' })
    this.#ended = this.#opened.length === 0
  }

  #endInner({ element, scope, skipped }: Inner): void {
    this.#inner = undefined
    this.#ended = this.#opened.length === 0
    if (skipped !== undefined) {
      this.#parts.push({ kind: 'skipped', element, why: skipped })
      return
    }
    try {
      const source = new Source(this.#take())
      this.#parts.push({
        kind: 'element',
        element: readSource(source, scope, this.#options.limits ?? readLimits),
      })
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.#parts.push({ kind: 'skipped', element, why: 'malformed' })
    }
  }

  get #scope(): StreamScope {
    return this.#opened.at(-1)?.scope ?? ROOT_SCOPE
  }

  /** Pieces that lie side by side are one: there are as many as there are chunks. */
  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length
    const last = this.#held.at(-1)
    const isNext = last?.buffer === piece.buffer && last.byteOffset + last.length === piece.byteOffset
    if (isNext) {
      const { buffer, byteOffset } = piece
      const begin = byteOffset - last.length
      this.#held[this.#held.length - 1] = Buffer.from(buffer, begin, last.length + piece.length)
    } else this.#held.push(piece)
    if (this.#inner === undefined) {
      if (this.#heldBytes > TAG_BYTES_MAX) throw new StreamError('policy-violation')
    } else if (this.#heldBytes > this.#options.elementBytesMax) {
      this.#inner = { ...this.#inner, skipped: 'too-large' }
      this.#take()
    }
  }

  #take(): Buffer {
    const [first, ...others] = this.#held
    const bytes = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes
  }
}

function isWhiteSpace(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09)
}
