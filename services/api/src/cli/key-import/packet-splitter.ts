/**
 * RFC 9580 §10.1: certificates of a long stream, cut before each primary key by the lengths of packets alone. What is held is bounded: one that is too large loses the
 * signatures by others, with which people flood keys of people whom they dislike, and which the directory drops anyway; of one that is too large still, or of secret
 * keys, nothing is kept but that it was there.
 */
import { byOthersThan } from '@sealpost/openpgp'

/** A whole certificate, or what there was instead. `end` is the place in the stream behind it, in bytes. */
export type Cut =
  | {
      readonly certificate: Buffer
      readonly end: number
      /** Signatures by others, and packets that the directory does not take, were left out. */
      readonly thinned?: true
    }
  | { readonly problem: 'too-large' | 'secret' | 'malformed'; readonly end: number }

/** What the directory takes of one certificate. */
const CERTIFICATE_BYTES_MAX = 1024 * 1024 - 4 * 1024
/** What it takes of any packet. */
const PACKET_BYTES_MAX = 64 * 1024 + 6
const HEADER_BYTES_MAX = 6
const PUBLIC_KEY = 6
const SECRET_KEY = 5
/** A trust packet is of a keyring and of nobody else. */
const TRUST = 12

interface Header {
  readonly type: number
  /** Of header and body. */
  readonly bytes: number
}

/** `wanting`: more bytes are needed to tell. Undefined: no packet of a certificate begins so. */
function readHeader(bytes: Buffer): Header | 'wanting' | undefined {
  const [first, second] = bytes
  if (first === undefined) return 'wanting'
  if (first < 0x80) return undefined
  if (first < 0xc0) {
    const octets = 2 ** (first & 3)
    if (octets === 8) return undefined
    if (bytes.length <= octets) return 'wanting'
    return { type: (first >> 2) & 0x0f, bytes: 1 + octets + bytes.readUIntBE(1, octets) }
  }
  const type = first & 0x3f
  if (second === undefined) return 'wanting'
  if (second < 192) return { type, bytes: 2 + second }
  if (second < 224) {
    const third = bytes[2]
    return third === undefined ? 'wanting' : { type, bytes: 3 + ((second - 192) << 8) + third + 192 }
  }
  if (second < 255) return undefined
  return bytes.length < HEADER_BYTES_MAX ? 'wanting' : { type, bytes: 6 + bytes.readUInt32BE(2) }
}

/** Ends with the first byte that is no packet: what follows it cannot be found again. `start` is where the stream begins in its file. */
export async function* cutCertificates(chunks: AsyncIterable<Buffer>, start = 0): AsyncGenerator<Cut> {
  const cutter = new Cutter(start)
  for await (const chunk of chunks) {
    yield* cutter.take(chunk)
    if (cutter.broken) return
  }
  yield* cutter.finish()
}

class Cutter {
  broken = false
  #place: number
  #rest: Buffer = Buffer.alloc(0)
  /** Of a packet that is left out. */
  #skip = 0
  #parts: Buffer[] = []
  #bytes = 0
  #problem: 'too-large' | 'secret' | undefined
  /** Of a certificate that is too large: tells what is left out of it. */
  #isByOther: ((packet: Buffer) => boolean) | undefined
  #begun = false

  constructor(start: number) {
    this.#place = start
  }

  *take(chunk: Buffer): Generator<Cut> {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (bytes.length > 0) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, bytes.length)
        this.#skip -= skipped
        this.#place += skipped
        bytes = bytes.subarray(skipped)
        continue
      }
      const header = readHeader(bytes)
      if (header === 'wanting') break
      if (header === undefined) {
        yield* this.#finishOne()
        this.broken = true
        yield { problem: 'malformed', end: this.#place }
        return
      }
      yield* this.#begin(header.type)
      const isKept = this.#keeps(header)
      if (isKept && bytes.length < header.bytes) break
      if (!isKept) {
        this.#skip = header.bytes
        continue
      }
      this.#keep(bytes.subarray(0, header.bytes))
      bytes = bytes.subarray(header.bytes)
    }
    this.#rest = Buffer.from(bytes)
  }

  *finish(): Generator<Cut> {
    const isCutShort = this.#rest.length > 0 || this.#skip > 0
    yield* this.#finishOne()
    if (isCutShort) yield { problem: 'malformed', end: this.#place }
  }

  *#begin(type: number): Generator<Cut> {
    if (type !== PUBLIC_KEY && type !== SECRET_KEY) return
    if (this.#isWaiting) return
    yield* this.#finishOne()
    this.#begun = true
    this.#isWaiting = true
    if (type === SECRET_KEY) this.#problem = 'secret'
  }

  /** The packet that begins a certificate was seen, and is not here as a whole yet. */
  #isWaiting = false

  #keeps({ type, bytes }: Header): boolean {
    if (!this.#begun || this.#problem !== undefined || type === TRUST) {
      this.#isWaiting = false
      return false
    }
    if (this.#bytes + bytes > CERTIFICATE_BYTES_MAX) this.#thin()
    const isLeftOut = this.#isByOther !== undefined && bytes > PACKET_BYTES_MAX
    if (!isLeftOut && this.#bytes + bytes <= CERTIFICATE_BYTES_MAX) return true
    if (!isLeftOut) {
      this.#problem = 'too-large'
      this.#parts = []
    }
    this.#isWaiting = false
    return false
  }

  /** Once: from then on they are left out as they come. */
  #thin(): void {
    const [primary] = this.#parts
    if (primary === undefined || this.#isByOther !== undefined) return
    this.#isByOther = byOthersThan(primary)
    this.#parts = this.#parts.filter((each) => this.#isByOther?.(each) !== true)
    this.#bytes = this.#parts.reduce((sum, { length }) => sum + length, 0)
  }

  #keep(packet: Buffer): void {
    this.#place += packet.length
    this.#isWaiting = false
    if (this.#isByOther?.(packet) === true) return
    this.#parts.push(packet)
    this.#bytes += packet.length
  }

  *#finishOne(): Generator<Cut> {
    if (!this.#begun) return
    const end = this.#place
    if (this.#problem !== undefined) yield { problem: this.#problem, end }
    else if (this.#bytes > 0) {
      const thinned = this.#isByOther === undefined ? {} : { thinned: true as const }
      yield { certificate: Buffer.concat(this.#parts), end, ...thinned }
    }
    this.#parts = []
    this.#bytes = 0
    this.#problem = undefined
    this.#isByOther = undefined
    this.#begun = false
  }
}
