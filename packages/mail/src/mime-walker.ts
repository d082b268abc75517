/**
 * RFC 2045, RFC 2046: the tree of a mail's parts while the body comes in. Nothing of a part is kept but its header; the reader of a leaf is given its
 * bytes as they stand. Where a structure is malformed, it is read as mail clients do, which find parts where they can.
 */
import { MailHeader } from './mail-header.ts'
import { parseMediaType } from './media-type.ts'

export interface MimePart {
  readonly header: MailHeader
  /** In lower case; `text/plain` where nothing is said. */
  readonly type: string
  /** Content-Transfer-Encoding in lower case; `7bit` where nothing is said. */
  readonly encoding: string
  /** The types around it, outermost first. */
  readonly parents: readonly string[]
}

export interface MimeLeafReader {
  /** Undecoded. */
  write(bytes: Buffer): void
  end(): void
}

/** Undefined: the content is of no interest. */
export type MimeVisitor = (part: MimePart) => MimeLeafReader | undefined

export interface MimeLimits {
  /** Leaves and branches together. */
  readonly partsMax: number
  readonly depthMax: number
}

export type MimeFault = 'tooManyParts' | 'tooDeep' | 'partHeaderTooLarge'

/** Of one part below the top. */
const PART_HEADER_BYTES_MAX = 64 * 1024
/** RFC 2046 §5.1.1: 70, with room for the blanks behind it. Longer lines are no delimiter. */
const DELIMITER_BYTES_MAX = 256
const LF = 0x0a
const CR = 0x0d
const DASH = 0x2d
const CRLF = Buffer.from('\r\n')
const NOTHING = Buffer.alloc(0)

interface Multipart {
  readonly boundary: string
  /** Of the parts inside. */
  readonly parents: readonly string[]
}

export class MimeWalker {
  readonly #visitor: MimeVisitor
  readonly #limits: MimeLimits
  readonly #open: Multipart[] = []
  #fault: MimeFault | undefined
  #parts = 0
  /** Of the part whose header is being read; undefined: its body is. */
  #header: Buffer[] | undefined
  #headerBytes = 0
  #parents: readonly string[] = []
  #leaf: MimeLeafReader | undefined
  /** The beginning of a line that may become a delimiter or belongs to a header. */
  #held: Buffer = NOTHING
  #atLineStart = true
  /** A line end, or its beginning, that belongs to the delimiter if one follows. */
  #owed: Buffer = NOTHING

  /** The body of the mail with this header follows. */
  constructor(header: MailHeader, visitor: MimeVisitor, limits: MimeLimits) {
    this.#visitor = visitor
    this.#limits = limits
    this.#begin(header, [])
  }

  /** Nothing more is read after one. */
  get fault(): MimeFault | undefined {
    return this.#fault
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#fault === undefined;) {
      const end = this.#quickEnd(chunk, at)
      if (end > at) {
        this.#content(chunk.subarray(at, end))
        at = end
        continue
      }
      const lf = chunk.indexOf(LF, at)
      const piece = chunk.subarray(at, lf === -1 ? chunk.length : lf + 1)
      this.#line(this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]), lf !== -1)
      at += piece.length
    }
  }

  end(): void {
    if (this.#fault !== undefined) return
    if (this.#held.length > 0) this.#line(this.#held, true)
    if (this.#header !== undefined) this.#headerEnds()
    this.#leafEnds()
  }

  /** Where content that holds no delimiter ends, so that lines need not be looked at one by one. */
  #quickEnd(chunk: Buffer, at: number): number {
    if (this.#header !== undefined || this.#held.length > 0) return at
    if (this.#open.length === 0) return chunk.length
    if (!this.#atLineStart) {
      const lf = chunk.indexOf(LF, at)
      return lf === -1 ? chunk.length : lf + 1
    }
    if (chunk[at] === DASH) return at
    const dash = chunk.indexOf('\n-', at)
    return dash === -1 ? chunk.length : dash + 1
  }

  /** `whole`: it ends in LF, or the body does. */
  #line(line: Buffer, whole: boolean): void {
    this.#held = NOTHING
    if (!whole && (this.#header !== undefined || line.length <= DELIMITER_BYTES_MAX)) {
      if (line.length > PART_HEADER_BYTES_MAX) this.#fault = 'partHeaderTooLarge'
      this.#held = line
      return
    }
    if (this.#atLineStart && line[0] === DASH && line.length <= DELIMITER_BYTES_MAX && this.#delimiter(line))
      return
    if (this.#header === undefined) return this.#content(line)
    this.#headerBytes += line.length
    if (this.#headerBytes > PART_HEADER_BYTES_MAX) this.#fault = 'partHeaderTooLarge'
    else if (/^\r?\n$/.test(line.toString('latin1'))) this.#headerEnds()
    else this.#header.push(line)
  }

  /** RFC 2046 §5.1.2: that of an outer multipart ends the inner ones. */
  #delimiter(line: Buffer): boolean {
    const text = line.toString('latin1').trimEnd()
    const at = this.#open.findLastIndex(
      ({ boundary }) => text === `--${boundary}` || text === `--${boundary}--`,
    )
    const multipart = this.#open[at]
    if (multipart === undefined) return false
    const last = text === `--${multipart.boundary}--`
    this.#owed = NOTHING
    this.#atLineStart = true
    if (this.#header !== undefined) this.#headerEnds()
    this.#leafEnds()
    this.#open.length = last ? at : at + 1
    this.#header = last ? undefined : []
    this.#headerBytes = 0
    this.#parents = multipart.parents
    return true
  }

  #headerEnds(): void {
    const lines = this.#header ?? []
    this.#header = undefined
    this.#begin(MailHeader.parse(Buffer.concat(lines)) ?? MailHeader.empty(), this.#parents)
  }

  #begin(header: MailHeader, parents: readonly string[]): void {
    this.#parts += 1
    // RFC 2046 §5.1.5.
    const usual = parents.at(-1) === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
    const type = header.value('content-type') ?? usual
    const media = parseMediaType(type)
    const essence = media?.essence ?? (/^[^\s;]+/.exec(type)?.[0] ?? usual).toLowerCase()
    const encoding = (header.value('content-transfer-encoding') ?? '7bit').toLowerCase()
    const boundary = media?.parameters.get('boundary') ?? boundaryOf(type)
    const branch = [...parents, essence]
    if (this.#parts > this.#limits.partsMax) this.#fault = 'tooManyParts'
    else if (parents.length >= this.#limits.depthMax) this.#fault = 'tooDeep'
    else if (essence.startsWith('multipart/') && boundary !== undefined && boundary !== '')
      this.#open.push({ boundary, parents: branch })
    else if (essence === 'message/rfc822' && /^(?:[78]bit|binary)$/.test(encoding)) {
      this.#header = []
      this.#headerBytes = 0
      this.#parents = branch
    } else this.#leaf = this.#visitor({ header, type: essence, encoding, parents })
  }

  #content(bytes: Buffer): void {
    const continues = this.#owed.length === 1 && bytes.length === 1 && bytes[0] === LF
    if (this.#owed.length > 0 && !continues) this.#leaf?.write(this.#owed)
    const [before, last] = [continues ? CR : bytes.at(-2), bytes.at(-1)]
    const owed = last === CR ? 1 : last === LF && before === CR ? 2 : 0
    this.#atLineStart = last === LF
    this.#owed = owed === 0 || this.#open.length === 0 ? NOTHING : CRLF.subarray(0, owed)
    const content = this.#owed.length === 0 ? bytes : bytes.subarray(0, -this.#owed.length)
    if (content.length > 0 && !continues) this.#leaf?.write(content)
  }

  #leafEnds(): void {
    if (this.#owed.length > 0) this.#leaf?.write(this.#owed)
    this.#owed = NOTHING
    this.#leaf?.end()
    this.#leaf = undefined
  }
}

/** Of a type that is malformed otherwise. */
function boundaryOf(type: string): string | undefined {
  const [, quoted, plain] = /;\s*boundary\s*=\s*(?:"([^"]{1,200})"|([^\s;"]{1,200}))/i.exec(type) ?? []
  return quoted ?? plain
}
