/** C2SP tlog-cosignature, cosignature/v1 with Ed25519: that a witness has seen the log only grow. Left out: ML-DSA-44 and subtrees. */
import { sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isSignedBy, SIGNATURE_TYPE, signaturesOf } from './signed-note.ts'
import type { NoteKey, NoteSignature, SignedNote } from './signed-note.ts'
import { unsigned } from './tlog-error.ts'

export interface Cosignature {
  readonly witness: string
  /** Seconds since 1970, as the witness says. */
  readonly time: number
  readonly line: NoteSignature
}

const TIME_BYTES = 8

/** What the witness signs: header, time, and the text of the checkpoint. */
function messageOf(text: string, time: number): string {
  return `cosignature/v1\ntime ${String(time)}\n${text}`
}

/** @param time in seconds since 1970 */
export function cosign(text: string, time: number, key: NoteKey, secret: KeyObject): NoteSignature {
  const stamp = Buffer.alloc(TIME_BYTES)
  stamp.writeBigUInt64BE(BigInt(time))
  const signature = sign(null, Buffer.from(messageOf(text, time)), secret)
  return { name: key.name, keyId: key.id, signature: Buffer.concat([stamp, signature]) }
}

/** Those of one witness. Throws TLOG_SIGNATURE when one of them is wrong. */
export function cosignaturesOf(note: SignedNote, witness: NoteKey): Cosignature[] {
  if (witness.type !== SIGNATURE_TYPE.cosignature) return []
  return signaturesOf(note, witness).map((line) => {
    const time = line.signature.length < TIME_BYTES ? NaN : Number(line.signature.readBigUInt64BE(0))
    const signature = line.signature.subarray(TIME_BYTES)
    if (!Number.isSafeInteger(time) || !isSignedBy(witness, messageOf(note.text, time), signature))
      throw unsigned('cosignature')
    return { witness: witness.name, time, line }
  })
}
