/** RFC 9580 §6.2: armored blocks in a text, and writing one. A checksum is neither asked for nor held against anybody (§6.1). */
import { crc24, decodeArmorOrBase64 } from './armor.ts'
import { reject } from './openpgp-error.ts'

export interface ArmorBlock {
  /** What stands after BEGIN: `PUBLIC KEY BLOCK`. */
  readonly label: string
  readonly data: Buffer
}

const BEGIN = '-----BEGIN PGP '
const BEGIN_LINE = /^-----BEGIN PGP ([A-Z0-9, /]{1,40})-----[\t ]*$/
const BEGIN_LINE_CHARS_MAX = 80
const HEADER = /^[!-9;-~]+:(?: .*)?$/
const HEADERS_MAX = 100
const BLOCKS_MAX = 1_000
const LINE_CHARS = 64

/**
 * Blocks of a text, whatever stands between them. Throws OpenPgpError for a block that is damaged. Linear in the length of the text.
 * NOTE: lines may be indented and end in white space, as mail programs and pages make them.
 */
export function readArmor(text: string): ArmorBlock[] {
  const blocks: ArmorBlock[] = []
  let from = text.indexOf(BEGIN)
  while (from >= 0) {
    const line = lineAt(text, from)
    const label = isLineStart(text, from) ? BEGIN_LINE.exec(line)?.[1] : undefined
    let next = from + BEGIN.length
    if (label !== undefined) {
      if (blocks.length === BLOCKS_MAX) throw reject.tooManyPackets()
      const tail = `-----END PGP ${label}-----`
      const end = text.indexOf('-----', from + line.length)
      if (end < 0 || !text.startsWith(tail, end)) throw reject.armor()
      blocks.push({ label, data: decodeBlock(text.slice(from + line.length, end)) })
      next = end + tail.length
    }
    from = text.indexOf(BEGIN, next)
  }
  return blocks
}

/** Up to the end of its line, and no longer than a line of armor may be. */
function lineAt(text: string, from: number): string {
  return /^[^\r\n]*/.exec(text.slice(from, from + BEGIN_LINE_CHARS_MAX))?.[0] ?? ''
}

/** Whether nothing but white space precedes it in its line; looks back over a few characters of indentation. */
function isLineStart(text: string, from: number): boolean {
  return /(?:^|[\r\n])[\t ]*$/.test(text.slice(Math.max(0, from - 16), from))
}

/** RFC 9580 §6.2.2: headers, an empty line, Base64. Without headers the empty line is missed by many, and not needed. */
function decodeBlock(text: string): Buffer {
  let body = text.trimStart()
  for (let headers = 0; headers < HEADERS_MAX; headers += 1) {
    const end = body.search(/[\r\n]/)
    if (end < 0 || !HEADER.test(body.slice(0, end).trimEnd())) break
    body = body.slice(end).trimStart()
  }
  const data = decodeArmorOrBase64(body)
  if (data === undefined) throw reject.armor()
  return data
}

/** With a checksum when asked to: RFC 9580 §6.1 has it for readers of old only, and forbids it around version 6. */
export function writeArmor(
  label: string,
  data: Buffer,
  { checksum }: { readonly checksum: boolean },
): string {
  const base64 = data.toString('base64')
  const lines = base64.match(new RegExp(`.{1,${String(LINE_CHARS)}}`, 'g')) ?? []
  const crc = Buffer.alloc(3)
  crc.writeUIntBE(crc24(data), 0, 3)
  const footer = checksum ? [`=${crc.toString('base64')}`] : []
  return [`-----BEGIN PGP ${label}-----`, '', ...lines, ...footer, `-----END PGP ${label}-----`, ''].join(
    '\n',
  )
}
