/**
 * Takes off an encrypted mail (RFC 3156) what tells about its content or about the sender's software outside the encryption: names and descriptions of its
 * two parts, armor headers, the greeting before the parts. What is not as expected passes as it came, so that nothing is lost.
 */
import { MailHeader } from '../mail-header.ts'
import { parseMediaType } from '../media-type.ts'
import { BoundarySplitter } from './boundary-splitter.ts'
import { endOfPartHeader, isPgpMime, PART_HEADER_BYTES_MAX } from './pgp-mime.ts'

export interface BodyTransform {
  /** What can be passed on so far. Holds a few kilobytes back at most. */
  write(chunk: Buffer): Buffer
  end(): Buffer
}

const GREETING_BYTES_MAX = 256
const ARMOR_HEAD_BYTES_MAX = 8 * 1024
const BEGIN = '-----BEGIN PGP MESSAGE-----'
/** Header line, armor headers, empty line. RFC 9580 §6.2.2 */
const ARMOR_HEAD =
  /^(?:[\t ]*\r\n)*-----BEGIN PGP MESSAGE-----[\t ]*\r\n(?:[!-9;-~]+:[^\r\n]*\r\n)*[\t ]*\r\n/
const DATA_HEADER = [
  'Content-Type: application/octet-stream; name="attachment.pgp"',
  'Content-Disposition: attachment; filename="attachment.pgp"',
]

/** Of the body that belongs to this header; undefined when it is not announced as PGP/MIME. */
export function pgpMimeDisguise(header: MailHeader): BodyTransform | undefined {
  const types = header.values('content-type')
  const type = types.length === 1 ? parseMediaType(types[0] ?? '') : undefined
  return type !== undefined && isPgpMime(type)
    ? PgpMimeDisguise.create(type.parameters.get('boundary'))
    : undefined
}

/** What the bytes that come next belong to. */
type Place = 'greeting' | 'control header' | 'data header' | 'armor head' | 'content'

class PgpMimeDisguise implements BodyTransform {
  readonly #out: Buffer[] = []
  readonly #splitter: BoundarySplitter | undefined
  #place: Place = 'greeting'
  #held = Buffer.alloc(0)
  #delimiters = 0

  private constructor(boundary: string | undefined) {
    this.#splitter = BoundarySplitter.create(boundary, {
      content: (bytes) => this.#content(bytes),
      delimiter: (line) => this.#delimiter(line),
    })
  }

  static create(boundary: string | undefined): BodyTransform | undefined {
    const disguise = new PgpMimeDisguise(boundary)
    return disguise.#splitter === undefined ? undefined : disguise
  }

  write(chunk: Buffer): Buffer {
    this.#splitter?.write(chunk)
    return Buffer.concat(this.#out.splice(0))
  }

  end(): Buffer {
    this.#splitter?.end()
    this.#pass()
    return Buffer.concat(this.#out.splice(0))
  }

  #delimiter(line: Buffer): void {
    if (this.#place !== 'greeting') this.#pass()
    this.#held = Buffer.alloc(0)
    this.#delimiters += 1
    const places: readonly Place[] = ['greeting', 'control header', 'data header']
    this.#place = places[this.#delimiters] ?? 'content'
    // The first delimiter begins with the line break of what was taken away.
    this.#out.push(this.#delimiters === 1 && this.#out.length === 0 ? withoutLeadingBreak(line) : line)
  }

  #content(bytes: Buffer): void {
    if (this.#place === 'content') return void this.#out.push(bytes)
    this.#held = Buffer.concat([this.#held, bytes])
    if (this.#place === 'armor head') this.#readArmorHead()
    else if (this.#place !== 'greeting') this.#readHeader()
    else if (this.#held.length > GREETING_BYTES_MAX) this.#pass()
  }

  #readHeader(): void {
    const end = endOfPartHeader(this.#held)
    if (end === -1) {
      if (this.#held.length > PART_HEADER_BYTES_MAX) this.#pass()
      return
    }
    const header = MailHeader.parse(this.#held.subarray(0, end))
    const rest = this.#held.subarray(end)
    const plain = this.#place === 'control header' ? controlHeader(header) : dataHeader(header)
    if (plain === undefined) return this.#pass()
    this.#out.push(plain)
    this.#held = Buffer.alloc(0)
    this.#place = this.#place === 'data header' ? 'armor head' : 'content'
    if (rest.length > 0) this.#content(rest)
  }

  #readArmorHead(): void {
    const text = this.#held.toString('latin1', 0, ARMOR_HEAD_BYTES_MAX)
    const [head] = ARMOR_HEAD.exec(text) ?? []
    if (head === undefined) {
      const hopeless =
        text.length === ARMOR_HEAD_BYTES_MAX || !BEGIN.startsWith(text.trimStart().slice(0, BEGIN.length))
      if (hopeless) this.#pass()
      return
    }
    this.#out.push(Buffer.from(`${BEGIN}\r\n\r\n`))
    this.#held = this.#held.subarray(head.length)
    this.#pass()
  }

  /** As it came, up to the next delimiter. */
  #pass(): void {
    this.#out.push(this.#held)
    this.#held = Buffer.alloc(0)
    this.#place = 'content'
  }
}

function withoutLeadingBreak(line: Buffer): Buffer {
  return line.indexOf('\r\n') === 0 ? line.subarray(2) : line
}

function essenceOf(header: MailHeader | undefined): string | undefined {
  const types = header?.values('content-type') ?? []
  return types.length === 1 ? parseMediaType(types[0] ?? '')?.essence : undefined
}

function controlHeader(header: MailHeader | undefined): Buffer | undefined {
  const known = essenceOf(header) === 'application/pgp-encrypted'
  return known ? Buffer.from('Content-Type: application/pgp-encrypted\r\n\r\n') : undefined
}

/** The encoding stays: it is how the bytes behind are read. */
function dataHeader(header: MailHeader | undefined): Buffer | undefined {
  if (essenceOf(header) !== 'application/octet-stream') return undefined
  const encodings = header?.fields.filter(({ name }) => name === 'content-transfer-encoding') ?? []
  const lines = [...DATA_HEADER.map((line) => Buffer.from(`${line}\r\n`)), ...encodings.map(({ raw }) => raw)]
  return Buffer.concat([...lines, Buffer.from('\r\n')])
}
