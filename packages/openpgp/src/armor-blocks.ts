/** RFC 9580 §6.2: armored blocks in a text, and writing one. A checksum is neither asked for nor held against anybody (§6.1). */
import { crc24, decodeArmorOrBase64 } from './armor.ts'
import { reject } from './openpgp-error.ts'

export interface ArmorBlock {
  /** What stands after BEGIN: `PUBLIC KEY BLOCK`. */
  readonly label: string
  readonly data: Buffer
}

const BEGIN = /^-----BEGIN PGP ([A-Z0-9, /]{1,40})-----[\t ]*$/
const HEADER = /^[!-9;-~]+: ?.*$|^[!-9;-~]+:$/
const BLOCKS_MAX = 1_000
const LINE_CHARS = 64

/**
 * Blocks of a text, whatever stands between them. Throws OpenPgpError for a block that is damaged. Linear in the length of the text.
 * NOTE: lines may be indented alike throughout and end in white space, as mail programs and pages make them.
 */
export function readArmor(text: string): ArmorBlock[] {
  const blocks: ArmorBlock[] = []
  const lines = text.split(/\r\n|\n|\r/)
  let index = 0
  while (index < lines.length) {
    const label = BEGIN.exec((lines[index] ?? '').trim())?.[1]
    index += 1
    if (label === undefined) continue
    if (blocks.length === BLOCKS_MAX) throw reject.tooManyPackets()
    const end = findEnd(lines, index, `-----END PGP ${label}-----`)
    blocks.push({ label, data: decodeBlock(lines.slice(index, end)) })
    index = end + 1
  }
  return blocks
}

/** A next BEGIN before the END means that the END is missing. */
function findEnd(lines: readonly string[], from: number, tail: string): number {
  for (let index = from; index < lines.length; index += 1) {
    const line = (lines[index] ?? '').trim()
    if (line === tail) return index
    if (line.startsWith('-----')) break
  }
  throw reject.armor()
}

/** RFC 9580 §6.2.2: headers, an empty line, Base64. Without headers the empty line is missed by many, and not needed. */
function decodeBlock(lines: readonly string[]): Buffer {
  let start = 0
  while (start < lines.length && HEADER.test((lines[start] ?? '').trim())) start += 1
  const body = lines.slice(start).join('\n')
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
