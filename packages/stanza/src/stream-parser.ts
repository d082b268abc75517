/**
 * An incremental parser for one XML stream (RFC 6120 §4, §11). It works on bytes: finds where an element ends,
 * bounds its size before anything is built, checks UTF-8, and hands over each complete top-level element.
 * What it holds between chunks is at most one incomplete element; an idle stream holds nothing.
 */
import type { Element } from './element.ts'
import { element } from './element.ts'
import { StreamError } from './errors.ts'
import { NS_APP_ERRORS, NS_STREAM } from './namespaces.ts'
import { Source } from './source.ts'
import {
  clientScope,
  readHeaderSource,
  readLimits,
  readSource,
  type ReadLimits,
  type StreamScope,
} from './stanza-reader.ts'
import { checkDeclaration } from './xml-declaration.ts'

export interface StreamEvents {
  /** The opening `<stream:stream>` (RFC 6120 §4.7), checked for the stream namespace; `contentNs` is its default. */
  onHeader(header: Element, contentNs: string): void
  /** One complete first-level element: a stanza or a nonza. */
  onElement(element: Element): void
  /** The closing `</stream:stream>` (RFC 6120 §4.4). */
  onClose(): void
}

const text = 0
const tagStart = 1
const tag = 2
const quoted = 3
const declaration = 4 // <? … ?>, allowed once, before the header
const cdata = 5
const bang = 6
type State = 0 | 1 | 2 | 3 | 4 | 5 | 6

const LT = 0x3c
const GT = 0x3e
const SLASH = 0x2f
const BANG = 0x21
const QUESTION = 0x3f
const CDATA_OPEN = Buffer.from('<![CDATA[')
const EMPTY = Buffer.alloc(0)
const HELD_BYTES_MIN = 1024

/** What the markup that just ended completes. */
type Completed = 'nothing' | 'declaration' | 'header' | 'element' | 'stream'

/** Incremental parser of one stream; after a thrown StreamError it must not be used again. */
export class StreamParser {
  readonly #events: StreamEvents
  readonly #limits: ReadLimits
  #elementBytesMax: number
  #scope: StreamScope = clientScope
  /** Of the stream header, as written. */
  #streamName = ''
  #state: State = text
  /** 0 before the header, 1 between stanzas, 2 and more inside one. */
  #depth = 0
  #closing = false
  #slash = false
  #quote = 0
  #matched = 0
  #completed: Completed = 'nothing'
  /** The incomplete element so far, in the first `#heldBytes` of a buffer that grows by doubling. */
  #held: Buffer = EMPTY
  #heldBytes = 0
  /** True once a byte of the current document was read: an XML declaration may only come first. */
  #begun = false
  /** White space before a later document may still belong to the last element of the one before. */
  #restarted = false
  #stopped = false
  /** What a callback wants done with the rest of the current chunk. */
  #rest: 'read' | 'keep' | 'drop' = 'read'

  /** @param elementBytesMax bound of one first-level element in bytes, RFC 6120 §13.12 */
  constructor(events: StreamEvents, elementBytesMax: number, limits = readLimits) {
    this.#limits = limits
    this.#events = events
    this.#elementBytesMax = elementBytesMax
  }

  /** Takes effect with the next element. */
  limit(elementBytesMax: number): void {
    this.#elementBytesMax = elementBytesMax
  }

  /** Expects a new stream header next (RFC 6120 §4.3.3); bytes after the last element are read as its start. */
  restart(): void {
    this.#release()
    this.#state = text
    this.#depth = 0
    this.#begun = false
    this.#restarted = true
    this.#scope = clientScope
  }

  /** In a callback: reads nothing beyond the current element; the rest of the chunk is the caller's to give again. */
  pause(): void {
    this.#rest = 'keep'
  }

  /** In a callback: ignores the rest of the current chunk. */
  dropRest(): void {
    this.#rest = 'drop'
  }

  /** Ignores the rest of the current chunk and all later ones. */
  stop(): void {
    this.#stopped = true
    this.#release()
  }

  /**
   * Returns how many bytes it took: all, unless a callback called `pause`. Throws StreamError at the first byte that
   * cannot be accepted; the parser must not be used afterwards.
   */
  write(chunk: Buffer): number {
    let start = this.#heldBytes > 0 ? 0 : -1 // start of the element inside this chunk
    let pos = 0
    this.#rest = 'read'
    while (pos < chunk.length && !this.#stopped) {
      if (this.#state === text) {
        if (this.#depth < 2) {
          pos = this.#skipBetween(chunk, pos)
          if (pos === chunk.length) break
          start = pos
        } else {
          pos = indexOfByte(chunk, LT, pos)
          if (pos === chunk.length) break
        }
        this.#state = tagStart
        pos++
        continue
      }
      pos = this.#step(chunk, pos)
      if (this.#completed !== 'nothing') {
        this.#complete(chunk.subarray(Math.max(start, 0), pos))
        start = -1
        if (this.#rest !== 'read') return this.#rest === 'keep' ? pos : chunk.length
      }
    }
    if (!this.#stopped && start >= 0) this.#hold(chunk.subarray(start))
    return chunk.length
  }

  /** Between elements only white space is allowed (RFC 6120 §11.7); it also keeps the connection alive. */
  #skipBetween(chunk: Buffer, from: number): number {
    let pos = from
    while (pos < chunk.length) {
      const byte = chunk[pos]
      if (byte === LT) return pos
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
        throw new StreamError('not-well-formed')
      this.#begun ||= !this.#restarted
      pos++
    }
    return pos
  }

  /** Advances inside markup by at least one byte; returns the new position. */
  #step(chunk: Buffer, pos: number): number {
    switch (this.#state) {
      case tagStart:
        return this.#stepTagStart(chunk, pos)
      case tag:
        return this.#stepTag(chunk, pos)
      case quoted: {
        const end = indexOfByte(chunk, this.#quote, pos)
        if (end === chunk.length) return end
        this.#state = tag
        return end + 1
      }
      case bang:
        if (chunk[pos] !== CDATA_OPEN[this.#matched]) throw new StreamError('restricted-xml')
        if (++this.#matched === CDATA_OPEN.length) {
          this.#state = cdata
          this.#matched = 0
        }
        return pos + 1
      case cdata:
        return this.#stepCdata(chunk, pos)
      case declaration: {
        const end = indexOfByte(chunk, GT, pos)
        if (end === chunk.length) return end
        this.#state = text
        this.#completed = 'declaration'
        return end + 1
      }
      case text: // not inside markup: `write` looks for the next one
    }
    return pos
  }

  #stepTagStart(chunk: Buffer, pos: number): number {
    const byte = chunk[pos]
    this.#closing = byte === SLASH
    this.#slash = false
    if (byte === QUESTION) {
      if (this.#depth > 0 || this.#begun) throw new StreamError('restricted-xml')
      this.#state = declaration
      return pos + 1
    }
    if (byte === BANG) {
      if (this.#depth < 2) throw new StreamError('restricted-xml')
      this.#state = bang
      this.#matched = 2
      return pos + 1
    }
    if (this.#closing && this.#depth === 0) throw new StreamError('not-well-formed')
    this.#state = tag
    return this.#closing ? pos + 1 : pos
  }

  #stepTag(chunk: Buffer, from: number): number {
    for (let pos = from; pos < chunk.length; pos++) {
      const byte = chunk[pos]
      if (byte === GT) {
        this.#endTag()
        return pos + 1
      }
      if (this.#slash) throw new StreamError('not-well-formed') // only `>` follows the slash of an empty element
      this.#slash = byte === SLASH
      if (byte === 0x22 || byte === 0x27) {
        this.#state = quoted
        this.#quote = byte
        return pos + 1
      }
      if (byte === LT) throw new StreamError('not-well-formed')
    }
    return chunk.length
  }

  #stepCdata(chunk: Buffer, from: number): number {
    for (let pos = from; pos < chunk.length; pos++) {
      const byte = chunk[pos]
      if (byte === 0x5d) {
        if (this.#matched < 2) this.#matched++
      } else if (byte === GT && this.#matched === 2) {
        this.#state = text
        return pos + 1
      } else {
        this.#matched = 0
      }
    }
    return chunk.length
  }

  #endTag(): void {
    this.#state = text
    if (this.#closing) {
      this.#depth--
      if (this.#depth < 2) this.#completed = this.#depth === 1 ? 'element' : 'stream'
    } else if (this.#slash) {
      if (this.#depth === 0) throw new StreamError('bad-format') // a stream opened and closed at once
      if (this.#depth === 1) this.#completed = 'element'
    } else if (++this.#depth === 1) {
      this.#completed = 'header'
    }
  }

  #complete(last: Buffer): void {
    const source = new Source(this.#take(last))
    const completed = this.#completed
    this.#completed = 'nothing'
    this.#begun = true
    if (completed === 'element') this.#events.onElement(readSource(source, this.#scope, this.#limits))
    else if (completed === 'header') this.#readHeader(source)
    else if (completed === 'stream') this.#readClose(source.text)
    else checkDeclaration(source.text)
  }

  #readHeader(source: Source): void {
    const { header, qualifiedName, scope } = readHeaderSource(source)
    if (!header.is('stream', NS_STREAM)) {
      throw new StreamError(header.name === 'stream' ? 'invalid-namespace' : 'bad-format')
    }
    this.#scope = scope
    this.#streamName = qualifiedName
    this.#events.onHeader(header, scope.defaultNs)
  }

  /** XML 1.0 §3: the end tag has the name of the start tag, and no attributes. */
  #readClose(source: string): void {
    if (source.slice(2, -1).trimEnd() !== this.#streamName) throw new StreamError('not-well-formed')
    this.#events.onClose()
  }

  /** Keeps a copy of the rest: the chunk's own memory may be part of a large pool. */
  #hold(rest: Buffer): void {
    this.#checkSize(rest.length)
    const bytes = this.#heldBytes + rest.length
    if (bytes > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(HELD_BYTES_MIN, bytes * 2))
      this.#held.copy(grown, 0, 0, this.#heldBytes)
      this.#held = grown
    }
    rest.copy(this.#held, this.#heldBytes)
    this.#heldBytes = bytes
  }

  /** The whole element, whose last bytes are given. */
  #take(last: Buffer): Buffer {
    this.#checkSize(last.length)
    if (this.#heldBytes === 0) return last
    const whole = Buffer.concat([this.#held.subarray(0, this.#heldBytes), last])
    this.#release()
    return whole
  }

  #release(): void {
    this.#held = EMPTY
    this.#heldBytes = 0
  }

  /** RFC 6120 §13.12, with the application condition that clients know from the field. */
  #checkSize(more: number): void {
    if (this.#heldBytes + more > this.#elementBytesMax) {
      throw new StreamError('policy-violation', 'Stanza too big', element('stanza-too-big', NS_APP_ERRORS))
    }
  }
}

function indexOfByte(chunk: Buffer, byte: number, from: number): number {
  for (let pos = from; pos < chunk.length; pos++) {
    if (chunk[pos] === byte) return pos
  }
  return chunk.length
}
