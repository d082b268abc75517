/**
 * The 64-byte slots of a keyring file (big-endian).
 *
 *   message: row id 16 | key 32 | due second 4 | sealed second 4 | kind 1 | 0 × 3 | CRC 4
 *   queue:   handle 16 | account id 16 | device id 16 | 0 × 8    | kind 1 | 0 × 3 | CRC 4
 *   free:    64 zero bytes
 *
 * A slot is destroyed by overwriting it with zeros. One whose CRC is wrong was torn by a crash before anything relied on it: it
 * counts as destroyed.
 */
import { crc32 } from 'node:zlib'

export const SLOT_BYTES = 64
export const KEY_BYTES = 32

/** What a key protects; the byte on disk is never used for another kind. */
const KIND_CODES = { message: 1, receipt: 2, call: 3, session: 4, upload: 5 } as const
export type MessageKind = keyof typeof KIND_CODES
export const MESSAGE_KINDS = Object.keys(KIND_CODES) as readonly MessageKind[]

/** The kind byte of a queue slot. */
export const QUEUE_KIND = 0x80

export const AT = { id: 0, key: 16, due: 48, sealed: 52, kind: 56, crc: 60, account: 16, device: 32 } as const

/** Latest second that a slot can hold: in the year 2106. */
export const SECOND_MAX = 0xffff_ffff

export type SlotState = 'free' | 'message' | 'queue' | 'torn'

/** Writes the CRC of the slot at `offset`, which makes it valid. */
export function closeSlot(slab: Buffer, offset: number): void {
  slab.writeUInt32BE(crc32(slab.subarray(offset, offset + AT.crc)), offset + AT.crc)
}

/** What the slot at `offset` holds, after a restart. */
export function slotState(slab: Buffer, offset: number): SlotState {
  const kind = slab[offset + AT.kind]
  if (kind === 0 && slab.subarray(offset, offset + SLOT_BYTES).equals(FREE)) return 'free'
  if (slab.readUInt32BE(offset + AT.crc) !== crc32(slab.subarray(offset, offset + AT.crc))) return 'torn'
  if (kind === QUEUE_KIND) return 'queue'
  return KIND_NAMES.has(kind ?? 0) ? 'message' : 'torn'
}

/** Tells most free slots at a glance: a torn one may look taken. */
export function mayBeTaken(slab: Buffer, offset: number): boolean {
  return slab[offset + AT.kind] !== 0
}

export function writeKind(slab: Buffer, offset: number, kind: MessageKind): void {
  slab[offset + AT.kind] = KIND_CODES[kind]
}

/** The kind of a message slot. */
export function readKind(slab: Buffer, offset: number): MessageKind {
  return KIND_NAMES.get(slab[offset + AT.kind] ?? 0) ?? 'message'
}

const FREE = Buffer.alloc(SLOT_BYTES)
const KIND_NAMES = new Map<number, MessageKind>(MESSAGE_KINDS.map((kind) => [KIND_CODES[kind], kind]))
