/** RFC 2046 §5.1.1: cuts one multipart body at its delimiters while it comes in. Nested multiparts are content. Lines end in CRLF. */

export interface BoundarySink {
  /** Bytes between delimiters, in order: of the preamble first, then of each part, then of the epilogue. The CRLF before a delimiter is the delimiter's. */
  content(bytes: Buffer): void
  /** `line` as it stands, with the CRLF before and behind it. */
  delimiter(line: Buffer, last: boolean): void
}

const CRLF = Buffer.from('\r\n')
/** RFC 2046 §5.1.1 allows 70. */
const BOUNDARY_BYTES_MAX = 200
/** Blanks behind a boundary: more are no delimiter. */
const PADDING_BYTES_MAX = 998

export class BoundarySplitter {
  readonly #delimiter: Buffer
  readonly #sink: BoundarySink
  /** What may be the beginning of a delimiter. Begins as the CRLF that the first line does not have before it. */
  #held: Buffer = CRLF
  #virtualBytes = CRLF.length
  #closed = false

  private constructor(boundary: string, sink: BoundarySink) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`)
    this.#sink = sink
  }

  /** Undefined when the boundary cannot be one. */
  static create(boundary: string | undefined, sink: BoundarySink): BoundarySplitter | undefined {
    const usable = boundary !== undefined && /^[!-~ ]*[!-~]$/.test(boundary)
    return usable && boundary.length <= BOUNDARY_BYTES_MAX ? new BoundarySplitter(boundary, sink) : undefined
  }

  write(chunk: Buffer): void {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#held = Buffer.alloc(0)
    while (!this.#closed) {
      const at = bytes.indexOf(this.#delimiter)
      const from = at === -1 ? bytes.length - this.#delimiter.length + 1 : at
      if (at === -1) {
        // Only what begins with a carriage return can become a delimiter.
        const open = from <= 0 ? bytes.indexOf(0x0d) : bytes.indexOf(0x0d, from)
        return this.#keep(bytes, open === -1 ? bytes.length : open)
      }
      const line = delimiterLine(bytes, at + this.#delimiter.length)
      if (line === undefined) return this.#keep(bytes, at)
      if (line.end === -1) {
        this.#emit(bytes.subarray(0, at + 1))
        bytes = bytes.subarray(at + 1)
        continue
      }
      this.#emit(bytes.subarray(0, at))
      this.#delimit(bytes.subarray(at, line.end), line.last)
      // The CRLF behind a delimiter may be the one before the next.
      bytes = bytes.subarray(line.end)
      if (!line.last) {
        bytes = Buffer.concat([CRLF, bytes])
        this.#virtualBytes = CRLF.length
      }
    }
    this.#emit(bytes)
  }

  /** The body is complete. */
  end(): void {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    const rest = held.subarray(this.#delimiter.length).toString('latin1')
    const isClosing = held.indexOf(this.#delimiter) === 0 && /^--[\t ]*$/.test(rest)
    if (isClosing && !this.#closed) this.#delimit(held, true)
    else this.#emit(held)
  }

  #keep(bytes: Buffer, from: number): void {
    this.#emit(bytes.subarray(0, from))
    this.#held = Buffer.from(bytes.subarray(from))
  }

  #emit(bytes: Buffer): void {
    const cut = this.#cut(bytes)
    if (cut.length > 0) this.#sink.content(cut)
  }

  #delimit(line: Buffer, last: boolean): void {
    this.#closed = last
    this.#sink.delimiter(this.#cut(line), last)
  }

  /** Without what was never there. */
  #cut(bytes: Buffer): Buffer {
    const cut = Math.min(this.#virtualBytes, bytes.length)
    this.#virtualBytes -= cut
    return bytes.subarray(cut)
  }
}

/** Of what follows `--boundary`: where the line ends, -1 when it is no delimiter; undefined when that cannot be told yet. */
function delimiterLine(bytes: Buffer, from: number): { end: number; last: boolean } | undefined {
  const text = bytes.toString('latin1', from, from + PADDING_BYTES_MAX)
  const [line, dashes] = /^(--)?[\t ]*\r\n/.exec(text) ?? []
  if (line !== undefined) return { end: from + line.length, last: dashes !== undefined }
  const open = text.length < PADDING_BYTES_MAX && /^(?:-|--)?[\t ]*\r?$/.test(text)
  return open ? undefined : { end: -1, last: false }
}
