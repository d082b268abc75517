/**
 * RFC 6376 §3.4.3, §3.4.4: the hash of a body that comes in chunks, of any length and with lines of any length, in constant memory. A chunk without blanks (Base64 is
 * that) goes to the hash as it is.
 */
import { createHash } from 'node:crypto'

export type BodyCanonicalization = 'simple' | 'relaxed'

export interface BodyHashOptions {
  readonly canonicalization: BodyCanonicalization
  readonly algorithm?: 'sha256' | 'sha1'
  /** `l=`: bytes of the canonical form that are hashed; the rest is counted only. */
  readonly bytesMax?: number | undefined
}

const [TAB, LF, CR, SPACE] = [0x09, 0x0a, 0x0d, 0x20]
const CRLF = Buffer.from('\r\n')
/** Line ends that were held back are written this many at a time. */
const LINE_ENDS = Buffer.from('\r\n'.repeat(4096))

export class BodyHash {
  readonly #hash: ReturnType<typeof createHash>
  readonly #relaxed: boolean
  readonly #bytesMax: number
  /** Relaxed: blanks, and a CR behind them, of which it is not known yet whether the line ends here. */
  #blank = false
  #blankCr = false
  /** Line ends, and a CR behind them, of which it is not known yet whether anything follows. */
  #lineEnds = 0
  #cr = false
  #canonicalBytes = 0

  constructor({ canonicalization, algorithm = 'sha256', bytesMax = Infinity }: BodyHashOptions) {
    this.#hash = createHash(algorithm)
    this.#relaxed = canonicalization === 'relaxed'
    this.#bytesMax = bytesMax
  }

  /** Of the canonical form so far, also beyond `bytesMax`. */
  get canonicalBytes(): number {
    return this.#canonicalBytes
  }

  update(chunk: Buffer): void {
    const plain = !this.#blank && !chunk.includes(SPACE) && !chunk.includes(TAB)
    this.#withoutLastLines(!this.#relaxed || plain ? chunk : this.#withoutBlanks(chunk))
  }

  /** Once, at the end. */
  digest(): Buffer {
    if (this.#blankCr) this.#withoutLastLines(Buffer.from(' \r'))
    if (this.#cr) {
      this.#releaseLineEnds()
      this.#write(Buffer.of(CR))
    }
    if (!this.#relaxed || this.#canonicalBytes > 0) this.#write(CRLF)
    return this.#hash.digest()
  }

  /** §3.4.4: blanks at the end of lines go, others become one space. */
  #withoutBlanks(chunk: Buffer): Buffer {
    const out = Buffer.allocUnsafe(chunk.length + 2)
    let length = 0
    let [blank, blankCr] = [this.#blank, this.#blankCr]
    // NOTE: by index, which takes a third of the time of an iterator.
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0
      if (blankCr) {
        if (byte !== LF) out[length++] = SPACE
        out[length++] = CR
        blank = false
        blankCr = false
      }
      if (byte === SPACE || byte === TAB) blank = true
      else if (byte === CR && blank) blankCr = true
      else {
        if (blank) out[length++] = SPACE
        blank = false
        out[length++] = byte
      }
    }
    this.#blank = blank
    this.#blankCr = blankCr
    return out.subarray(0, length)
  }

  /** §3.4.3: empty lines at the end are not hashed. */
  #withoutLastLines(chunk: Buffer): void {
    let begin = 0
    if (this.#cr && chunk.length > 0) {
      this.#cr = false
      if (chunk[0] === LF) {
        this.#lineEnds += 1
        begin = 1
      } else {
        this.#releaseLineEnds()
        this.#write(Buffer.of(CR))
      }
    }
    let end = chunk.length
    if (end > begin && chunk[end - 1] === CR) {
      this.#cr = true
      end -= 1
    }
    const all = end
    while (end - 2 >= begin && chunk[end - 2] === CR && chunk[end - 1] === LF) end -= 2
    if (end > begin) {
      this.#releaseLineEnds()
      this.#write(chunk.subarray(begin, end))
    }
    this.#lineEnds += (all - end) / 2
  }

  #releaseLineEnds(): void {
    for (let rest = this.#lineEnds * 2; rest > 0; rest -= LINE_ENDS.length)
      this.#write(LINE_ENDS.subarray(0, rest))
    this.#lineEnds = 0
  }

  #write(bytes: Buffer): void {
    const room = this.#bytesMax - this.#canonicalBytes
    this.#canonicalBytes += bytes.length
    if (room > 0) this.#hash.update(bytes.length <= room ? bytes : bytes.subarray(0, room))
  }
}
