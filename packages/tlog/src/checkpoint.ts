/** C2SP tlog-checkpoint: the signed head of a tree. */
import type { KeyObject } from 'node:crypto'
import { decodeBase64, decodeDecimal } from './base64.ts'
import { cosignaturesOf } from './cosignature.ts'
import type { Cosignature } from './cosignature.ts'
import { HASH_BYTES } from './merkle.ts'
import { formatNote, parseNote, requireSignature, signText } from './signed-note.ts'
import type { NoteKey, SignedNote } from './signed-note.ts'
import { malformed, unsigned } from './tlog-error.ts'

export interface TreeHead {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/** A checkpoint whose signatures were verified. */
export interface Checkpoint extends TreeHead {
  readonly note: SignedNote
  readonly cosignatures: readonly Cosignature[]
}

export function formatTreeHead({ origin, size, root }: TreeHead): string {
  return `${origin}\n${String(size)}\n${root.toString('base64')}\n`
}

/** The text of a checkpoint; lines of extensions are passed over. Throws TLOG_MALFORMED. */
export function parseTreeHead(text: string): TreeHead {
  const lines = text.split('\n')
  const [origin = '', sizeText = '', rootText = ''] = lines
  const size = decodeDecimal(sizeText)
  const root = decodeBase64(rootText)
  if (lines.pop() !== '' || lines.some((line) => line === '')) throw malformed('checkpoint')
  if (size === undefined || root?.length !== HASH_BYTES) throw malformed('checkpoint')
  return { origin, size, root }
}

/** Signed by the log, whose key has the name of its origin. */
export function signCheckpoint(head: TreeHead, key: NoteKey, secret: KeyObject): string {
  const text = formatTreeHead(head)
  return formatNote({ text, signatures: [signText(text, key, secret)] })
}

/**
 * Reads and verifies a checkpoint of the log with this key, and the cosignatures of the witnesses that are known. Throws TLOG_MALFORMED, or TLOG_SIGNATURE
 * when it is not signed by the log, is of another origin, or when a signature of a known key is wrong.
 */
export function openCheckpoint(
  bytes: Uint8Array,
  log: NoteKey,
  witnesses: readonly NoteKey[] = [],
): Checkpoint {
  const note = parseNote(bytes)
  requireSignature(note, log)
  const head = parseTreeHead(note.text)
  if (head.origin !== log.name) throw unsigned('checkpoint')
  return { ...head, note, cosignatures: witnesses.flatMap((witness) => cosignaturesOf(note, witness)) }
}
