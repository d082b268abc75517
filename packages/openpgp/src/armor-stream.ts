/**
 * RFC 9580 §6.2: an armored message while it comes in, in bounded memory. Strict where text in the clear could hide: nothing stands before the header line
 * or behind the tail line, and the data is Base64 to its padding. A checksum may be there and is not compared (§6.1).
 */
import { EncryptedMessageReader } from './encrypted-stream.ts'

const BEGIN = '-----BEGIN PGP MESSAGE-----'
const END = '-----END PGP MESSAGE-----'
/** Everything up to the data: header line and armor headers. */
const HEAD_BYTES_MAX = 8 * 1024
/** Padding, checksum, tail line, and the blank around them. */
const TAIL_BYTES_MAX = 1024
const HEADER = /^([!-9;-~]+): ?(.*)$/

const BLANK = -2
const LETTERS = Int8Array.from({ length: 256 }, (_, byte) => {
  if ([0x09, 0x0a, 0x0d, 0x20].includes(byte)) return BLANK
  return 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(
    String.fromCodePoint(byte),
  )
})
const NEW_LINE = 0x0a

export interface ArmoredMessage {
  /** An encrypted message of OpenPGP from the header line to the tail line. */
  readonly encrypted: boolean
  /** Names of the armor headers, such as `Version` and `Comment`: they tell about the sender's software, outside the encryption. */
  readonly armorHeaders: readonly string[]
}

export class ArmoredMessageReader {
  readonly #packets = new EncryptedMessageReader()
  #state: 'head' | 'data' | 'tail' | 'refused' = 'head'
  #text = ''
  #armorHeaders: string[] = []
  /** Bits of Base64 that make no octet yet, and how many letters have come. */
  #bits = 0
  #letters = 0
  #lastByte = NEW_LINE
  /** Room for what a piece decodes to, used again for the next. */
  #octets = Buffer.alloc(0)

  /** Of the text, in pieces of any size. False: it is no encrypted message, whatever comes. */
  write(chunk: Buffer): boolean {
    let rest: Buffer | undefined = chunk
    if (this.#state === 'head') rest = this.#readHead(rest)
    if (rest !== undefined && this.#state === 'data') rest = this.#readData(rest)
    if (rest !== undefined && this.#state === 'tail') this.#readTail(rest)
    return this.#state !== 'refused'
  }

  end(): ArmoredMessage {
    const encrypted = this.#state === 'tail' && this.#isTail() && this.#packets.end()
    return { encrypted, armorHeaders: this.#armorHeaders }
  }

  /** What follows behind the empty line that ends the head. */
  #readHead(chunk: Buffer): Buffer | undefined {
    const before = this.#text.length
    this.#text += chunk.toString('latin1', 0, HEAD_BYTES_MAX)
    const [blank = ''] = /^[\t\n\r ]*/.exec(this.#text) ?? []
    const emptyLine = /\n[\t ]*\r?\n/g
    emptyLine.lastIndex = blank.length
    const found = emptyLine.exec(this.#text)
    if (found === null) {
      if (this.#text.length > HEAD_BYTES_MAX) this.#state = 'refused'
      return undefined
    }
    const [begin = '', ...headers] = this.#text.slice(blank.length, found.index).split('\n')
    const names = headers.map((line) => HEADER.exec(line.trimEnd())?.[1])
    this.#armorHeaders = names.filter((name) => name !== undefined)
    const wellFormed = begin.trimEnd() === BEGIN && this.#armorHeaders.length === names.length
    this.#state = wellFormed ? 'data' : 'refused'
    this.#text = ''
    return chunk.subarray(found.index + found[0].length - before)
  }

  /** What follows from the first octet on that is neither Base64 nor blank. */
  #readData(chunk: Buffer): Buffer | undefined {
    const octetsMax = Math.ceil((chunk.length * 3) / 4) + 3
    if (this.#octets.length < octetsMax) this.#octets = Buffer.allocUnsafe(octetsMax)
    const octets = this.#octets
    let count = 0
    let bits = this.#bits
    let letters = this.#letters
    let at = 0
    for (; at < chunk.length; at += 1) {
      const value = LETTERS[chunk[at] ?? 0] ?? -1
      if (value >= 0) {
        bits = ((bits << 6) | value) & 0xffffff
        letters += 1
        if ((letters & 3) === 0) {
          octets[count] = bits >> 16
          octets[count + 1] = (bits >> 8) & 0xff
          octets[count + 2] = bits & 0xff
          count += 3
        }
      } else if (value !== BLANK) break
    }
    this.#bits = bits
    this.#letters = letters
    if (at > 0) this.#lastByte = chunk[at - 1] ?? 0
    if (!this.#packets.write(octets.subarray(0, count))) this.#state = 'refused'
    else if (at < chunk.length) this.#endData()
    return at < chunk.length ? chunk.subarray(at) : undefined
  }

  /** RFC 4648 §3.5: the bits of the last letter that make no octet are zero. */
  #endData(): void {
    const over = this.#letters & 3
    const octets =
      over === 2 ? [(this.#bits >> 4) & 0xff] : [(this.#bits >> 10) & 0xff, (this.#bits >> 2) & 0xff]
    const stray = over === 2 ? this.#bits & 0x0f : this.#bits & 0x03
    const fits = over === 0 || (over > 1 && stray === 0 && this.#packets.write(Buffer.from(octets)))
    this.#text = over === 0 && this.#lastByte === NEW_LINE ? '\n' : ''
    this.#state = fits ? 'tail' : 'refused'
  }

  #readTail(chunk: Buffer): void {
    if (this.#text.length + chunk.length > TAIL_BYTES_MAX) this.#state = 'refused'
    else this.#text += chunk.toString('latin1')
  }

  #isTail(): boolean {
    const padding = ['', '', '==', '='][this.#letters & 3] ?? ''
    const rest = this.#text.startsWith(padding) ? this.#text.slice(padding.length) : ''
    const lines = rest.trimEnd().split(/[\t ]*\r?\n\s*/)
    const checksum = lines.length === 3 ? lines.splice(1, 1)[0] : undefined
    if (checksum !== undefined && !/^=[A-Za-z0-9+/]{4}$/.test(checksum)) return false
    return lines.length === 2 && lines[0] === '' && lines[1] === END
  }
}
