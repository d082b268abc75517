/**
 * What is kept of an uploaded file besides its bytes, sealed like a message: whose it is, the key, and how long it lives. Not its name, nor its media type. Big-endian:
 *
 *   version 1 | account 16 | file 16 | key 32 | hash of the address 32 | hash of the owner's token 32 | bytes 8 | accepted 4 | due 4 | fetches 4 (0: any)
 */
import { KEY_BYTES } from './sealed-file.ts'

export interface UploadRecord {
  readonly accountId: string
  /** Its name on disk. */
  readonly file: string
  /** Destroyed with the record. */
  readonly key: Buffer
  /** SHA-256 of the token in the URL. */
  readonly addressHash: Buffer
  /** SHA-256 of the token that lets its uploader delete it. */
  readonly ownerHash: Buffer
  readonly bytes: number
  /** Seconds since the epoch, as `due`. */
  readonly acceptedAt: number
  readonly due: number
  /** Whole fetches after which it is deleted; undefined: any number. */
  readonly fetchesLeft: number | undefined
}

const VERSION = 1
const HASH_BYTES = 32
const UUID_BYTES = 16
const AT = {
  account: 1,
  file: 17,
  key: 33,
  address: 65,
  owner: 97,
  bytes: 129,
  accepted: 137,
  due: 141,
  fetches: 145,
} as const
const RECORD_BYTES = 149

export function encodeUpload(record: UploadRecord): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES)
  bytes[0] = VERSION
  writeUuid(record.accountId, bytes, AT.account)
  writeUuid(record.file, bytes, AT.file)
  record.key.copy(bytes, AT.key)
  record.addressHash.copy(bytes, AT.address)
  record.ownerHash.copy(bytes, AT.owner)
  bytes.writeBigUInt64BE(BigInt(record.bytes), AT.bytes)
  bytes.writeUInt32BE(record.acceptedAt, AT.accepted)
  bytes.writeUInt32BE(record.due, AT.due)
  bytes.writeUInt32BE(record.fetchesLeft ?? 0, AT.fetches)
  return bytes
}

/** A copy: `bytes` stays the caller's to wipe. Undefined: not of this version. */
export function decodeUpload(bytes: Buffer): UploadRecord | undefined {
  if (bytes.length !== RECORD_BYTES || bytes[0] !== VERSION) return undefined
  const copy = (at: number, length: number): Buffer => Buffer.from(bytes.subarray(at, at + length))
  const fetches = bytes.readUInt32BE(AT.fetches)
  return {
    accountId: readUuid(bytes, AT.account),
    file: readUuid(bytes, AT.file),
    key: copy(AT.key, KEY_BYTES),
    addressHash: copy(AT.address, HASH_BYTES),
    ownerHash: copy(AT.owner, HASH_BYTES),
    bytes: Number(bytes.readBigUInt64BE(AT.bytes)),
    acceptedAt: bytes.readUInt32BE(AT.accepted),
    due: bytes.readUInt32BE(AT.due),
    fetchesLeft: fetches === 0 ? undefined : fetches,
  }
}

function writeUuid(uuid: string, target: Buffer, at: number): void {
  target.write(uuid.replaceAll('-', ''), at, UUID_BYTES, 'hex')
}

function readUuid(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + UUID_BYTES)
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
