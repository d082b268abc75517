/**
 * RFC 3156 §4: multipart/encrypted with exactly two parts: `Version: 1`, and an encrypted message of OpenPGP. In bounded memory, and strict where text in the
 * clear could hide: beside, before and behind the parts.
 */
import { ArmoredMessageReader } from '@sealpost/openpgp'
import { MailHeader } from '../mail-header.ts'
import { parseMediaType, type MediaType } from '../media-type.ts'
import { BoundarySplitter } from './boundary-splitter.ts'
import type { BodyReader } from './encryption.ts'
import { transferDecoder, type TransferDecoder } from './transfer-decoder.ts'

/** Some clients greet there: "This is an OpenPGP/MIME encrypted message". */
const PREAMBLE_BYTES_MAX = 256
const EPILOGUE_BYTES_MAX = 256
export const PART_HEADER_BYTES_MAX = 8 * 1024
const VERSION_BYTES_MAX = 64
const VERSION = /^version\s*:\s*1$/i

const CONTROL_TYPE = 'application/pgp-encrypted'
const DATA_TYPE = 'application/octet-stream'

/** Whether a header's Content-Type announces PGP/MIME. */
export function isPgpMime({ essence, parameters }: MediaType): boolean {
  return essence === 'multipart/encrypted' && parameters.get('protocol')?.toLowerCase() === CONTROL_TYPE
}

/** Where the body of a part begins in its first bytes: behind the empty line that ends its header. -1: not there yet. */
export function endOfPartHeader(bytes: Buffer): number {
  if (bytes.indexOf('\r\n') === 0) return 2
  const at = bytes.indexOf('\r\n\r\n')
  return at === -1 ? -1 : at + 4
}

export class PgpMimeReader implements BodyReader {
  readonly #splitter: BoundarySplitter | undefined
  readonly #armored = new ArmoredMessageReader()
  #part: 'preamble' | 'control' | 'data' | 'epilogue' = 'preamble'
  /** Of the part that is being read: its header as far as it has come; undefined: it is complete. */
  #header: Buffer | undefined
  #small = ''
  #decoder: TransferDecoder | undefined
  #refused = false

  constructor({ parameters }: MediaType) {
    this.#splitter = BoundarySplitter.create(parameters.get('boundary'), {
      content: (bytes) => this.#content(bytes),
      delimiter: (_line, last) => this.#delimiter(last),
    })
  }

  write(chunk: Buffer): void {
    if (!this.#refused) this.#splitter?.write(chunk)
  }

  end() {
    this.#splitter?.end()
    const { encrypted, armorHeaders } = this.#armored.end()
    const closed = this.#part === 'epilogue' && this.#small.trim() === ''
    return encrypted && closed && !this.#refused ? ({ kind: 'pgp-mime', armorHeaders } as const) : undefined
  }

  #content(bytes: Buffer): void {
    if (this.#refused) return
    if (this.#part === 'preamble') return this.#collect(bytes, PREAMBLE_BYTES_MAX)
    if (this.#part === 'epilogue') return this.#collect(bytes, EPILOGUE_BYTES_MAX)
    const rest = this.#header === undefined ? bytes : this.#readHeader(Buffer.concat([this.#header, bytes]))
    if (rest === undefined || this.#refused) return
    if (this.#part === 'control') return this.#collect(rest, VERSION_BYTES_MAX)
    if (this.#decoder === undefined || !this.#armored.write(this.#decoder.write(rest))) this.#refused = true
  }

  #collect(bytes: Buffer, bytesMax: number): void {
    if (this.#small.length + bytes.length > bytesMax) this.#refused = true
    else this.#small += bytes.toString('latin1')
  }

  /** What follows the header of the part. */
  #readHeader(bytes: Buffer): Buffer | undefined {
    const end = endOfPartHeader(bytes)
    this.#header = end === -1 ? bytes : undefined
    if ((end === -1 ? bytes.length : end) > PART_HEADER_BYTES_MAX) this.#refused = true
    if (end === -1 || this.#refused) return undefined
    const header = MailHeader.parse(bytes.subarray(0, end))
    const types = header?.values('content-type') ?? []
    const encodings = header?.values('content-transfer-encoding') ?? []
    const expected = this.#part === 'control' ? CONTROL_TYPE : DATA_TYPE
    const type = types.length === 1 ? parseMediaType(types[0] ?? '') : undefined
    this.#decoder = encodings.length > 1 ? undefined : transferDecoder(encodings[0])
    if (type?.essence !== expected || this.#decoder === undefined) this.#refused = true
    return bytes.subarray(end)
  }

  #delimiter(last: boolean): void {
    // A part whose header has not ended has no body.
    if (this.#header !== undefined) this.#refused = true
    if (this.#part === 'control' && !VERSION.test(this.#small.trim())) this.#refused = true
    const next = { preamble: 'control', control: 'data', data: 'epilogue', epilogue: 'epilogue' } as const
    if (last !== (this.#part === 'data')) this.#refused = true
    this.#part = next[this.#part]
    this.#small = ''
    this.#header = this.#part === 'epilogue' ? undefined : Buffer.alloc(0)
  }
}
