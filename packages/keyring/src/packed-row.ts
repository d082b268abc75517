/**
 * Rows as a start compares them with slots, a million in seconds, so packed (big-endian):
 *
 *   row id 16 | queue handle 16 | seq 8 | size class 2
 *
 * In SQL: `uuid_send(id) || uuid_send(queue_handle) || int8send(seq) || int2send(size_class)`.
 */
import type { SealedRow } from './keyring.ts'
import { UUID_BYTES, writeUuid } from './uuid.ts'

export const PACKED_ROW_BYTES = 42

const AT = { id: 0, handle: UUID_BYTES, seq: 32, sizeClass: 40 } as const
const WORD = 2 ** 32

export function packRow({ id, handle, seq, sizeClass }: SealedRow): Buffer {
  const packed = Buffer.alloc(PACKED_ROW_BYTES)
  writeUuid(id, packed, AT.id)
  writeUuid(handle, packed, AT.handle)
  packed.writeBigInt64BE(BigInt(seq), AT.seq)
  packed.writeInt16BE(sizeClass, AT.sizeClass)
  return packed
}

/** Of the row at `offset`. Sequence numbers are counted from 1, and by far fewer than 2^53 long. */
export function readPackedRow(rows: Buffer, offset: number): { seq: number; sizeClass: number } {
  const seq = rows.readUInt32BE(offset + AT.seq) * WORD + rows.readUInt32BE(offset + AT.seq + 4)
  return { seq, sizeClass: rows.readInt16BE(offset + AT.sizeClass) }
}

/** The handle of the row at `offset`, a character for each byte. */
export function packedHandle(rows: Buffer, offset: number): string {
  return rows.toString('latin1', offset + AT.handle, offset + AT.handle + UUID_BYTES)
}
