/** C2SP tlog-proof: a file that proves, offline, that something is in a log. */
import { decodeBase64, decodeDecimal } from './base64.ts'
import { HASH_BYTES, PROOF_HASHES_MAX } from './merkle.ts'
import { NOTE_BYTES_MAX } from './signed-note.ts'
import { malformed } from './tlog-error.ts'

const HEAD = 'c2sp.org/tlog-proof@v1'
const EXTRA_BYTES_MAX = 1024
/** Before the checkpoint. */
const LINES_MAX = PROOF_HASHES_MAX + 3

export interface TlogProof {
  /** What the application needs besides; not authenticated. */
  readonly extra: Buffer | undefined
  readonly index: number
  readonly hashes: readonly Buffer[]
  /** The signed note as it stands. */
  readonly checkpoint: string
}

export function formatProof({ extra, index, hashes, checkpoint }: TlogProof): string {
  const lines = [
    HEAD,
    ...(extra === undefined ? [] : [`extra ${extra.toString('base64')}`]),
    `index ${String(index)}`,
    ...hashes.map((hash) => hash.toString('base64')),
  ]
  return `${lines.join('\n')}\n\n${checkpoint}`
}

/** Throws TLOG_MALFORMED. The checkpoint is not looked at. */
export function parseProof(text: string): TlogProof {
  const gap = text.indexOf('\n\n')
  if (gap < 0 || text.length > 2 * NOTE_BYTES_MAX) throw malformed('proof')
  const lines = text.slice(0, gap).split('\n')
  if (lines.length > LINES_MAX || lines.shift() !== HEAD) throw malformed('proof')
  const extra = lines[0]?.startsWith('extra ') === true ? readExtra(lines.shift() ?? '') : undefined
  const index = decodeDecimal(/^index (\d+)$/.exec(lines.shift() ?? '')?.[1] ?? '')
  if (index === undefined || lines.length > PROOF_HASHES_MAX) throw malformed('proof')
  return { extra, index, hashes: lines.map(readHash), checkpoint: text.slice(gap + 2) }
}

function readExtra(line: string): Buffer {
  const extra = decodeBase64(line.slice('extra '.length))
  if (extra === undefined || extra.length > EXTRA_BYTES_MAX) throw malformed('proof')
  return extra
}

function readHash(line: string): Buffer {
  const hash = decodeBase64(line)
  if (hash?.length !== HASH_BYTES) throw malformed('proof')
  return hash
}
