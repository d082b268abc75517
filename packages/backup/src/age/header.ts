/** age v1, "Header": the key of a file, wrapped for each of those it is for, under a code that proves the whole header. */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto'
import { BackupError } from '../backup-error.ts'
import { publicBytes, publicKey } from './keys.ts'

export const FILE_KEY_BYTES = 16
/** A header of ours has some two hundred bytes for each recipient. */
export const HEADER_BYTES_MAX = 64 * 1024
const VERSION = 'age-encryption.org/v1'
const LABEL = 'age-encryption.org/v1/X25519'
const NO_NONCE = Buffer.alloc(12)
const TAG_BYTES = 16
const SHARE_BYTES = 32

export function writeHeader(fileKey: Buffer, recipients: readonly KeyObject[]): Buffer {
  const stanzas = recipients.map((recipient) => stanzaFor(recipient, fileKey))
  const proven = `${[VERSION, ...stanzas].join('\n')}\n---`
  return Buffer.from(`${proven} ${unpadded(codeOf(fileKey, proven))}\n`)
}

function stanzaFor(recipient: KeyObject, fileKey: Buffer): string {
  const { privateKey, publicKey: share } = generateKeyPairSync('x25519')
  const shareBytes = publicBytes(share)
  const shared = diffieHellman({ privateKey, publicKey: recipient })
  const cipher = createCipheriv(
    'chacha20-poly1305',
    wrapKey(shared, shareBytes, publicBytes(recipient)),
    NO_NONCE,
    { authTagLength: TAG_BYTES },
  )
  const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
  return `-> X25519 ${unpadded(shareBytes)}\n${unpadded(body)}`
}

/** Where the header ends, or undefined while its end has not come. Throws BACKUP_DAMAGED when it cannot be one. */
export function headerEnd(bytes: Buffer): number | undefined {
  const known = bytes.subarray(0, VERSION.length + 1).toString('latin1')
  if (!`${VERSION}\n`.startsWith(known)) throw damaged()
  const line = bytes.indexOf('\n--- ')
  const end = line < 0 ? -1 : bytes.indexOf('\n', line + 1)
  if (end >= 0) return end + 1
  if (bytes.length > HEADER_BYTES_MAX) throw damaged()
  return undefined
}

/** The key of the file. Throws BACKUP_NOT_FOR_US when the identity opens none of its stanzas, BACKUP_DAMAGED when it was changed. */
export function openHeader(header: Buffer, identity: KeyObject): Buffer {
  const text = header.toString('latin1')
  for (const match of text.matchAll(/^-> X25519 ([A-Za-z0-9+/]{43})\n([A-Za-z0-9+/]{43})$/gm)) {
    const share = Buffer.from(match[1] ?? '', 'base64')
    const fileKey = unwrap(share, Buffer.from(match[2] ?? '', 'base64'), identity)
    if (fileKey === undefined) continue
    const proven = text.slice(0, text.lastIndexOf('\n---') + 4)
    const code = Buffer.from(text.slice(proven.length + 1).trimEnd(), 'base64')
    const expected = codeOf(fileKey, proven)
    if (code.length !== expected.length || !timingSafeEqual(code, expected)) throw damaged()
    return fileKey
  }
  throw new BackupError('BACKUP_NOT_FOR_US', 'This backup is not encrypted to that identity')
}

function unwrap(share: Buffer, body: Buffer, identity: KeyObject): Buffer | undefined {
  if (share.length !== SHARE_BYTES || body.length !== FILE_KEY_BYTES + TAG_BYTES) return undefined
  try {
    const shared = diffieHellman({ privateKey: identity, publicKey: publicKey(share) })
    const key = wrapKey(shared, share, publicBytes(createPublicKey(identity)))
    const decipher = createDecipheriv('chacha20-poly1305', key, NO_NONCE, { authTagLength: TAG_BYTES })
    decipher.setAuthTag(body.subarray(FILE_KEY_BYTES))
    return Buffer.concat([decipher.update(body.subarray(0, FILE_KEY_BYTES)), decipher.final()])
  } catch {
    return undefined
  }
}

function wrapKey(shared: Buffer, share: Buffer, recipient: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', shared, Buffer.concat([share, recipient]), LABEL, 32))
}

function codeOf(fileKey: Buffer, proven: string): Buffer {
  const key = Buffer.from(hkdfSync('sha256', fileKey, '', 'header', 32))
  return createHmac('sha256', key).update(proven, 'latin1').digest()
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

export function damaged(): BackupError {
  return new BackupError('BACKUP_DAMAGED', 'A file of the backup was cut short or changed')
}
