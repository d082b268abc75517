/** age v1, "The X25519 recipient type": `age1…` names whom a file is for, `AGE-SECRET-KEY-1…` opens it. Other recipient types are left out. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { BackupError } from '../backup-error.ts'
import { decodeBech32, encodeBech32 } from './bech32.ts'

const RECIPIENT = 'age'
const IDENTITY = 'age-secret-key-'
const KEY_BYTES = 32

/** Throws BACKUP_RECIPIENT. */
export function readRecipient(text: string): KeyObject {
  const bytes = decodeBech32(RECIPIENT, text.trim())
  if (bytes?.length !== KEY_BYTES)
    throw new BackupError('BACKUP_RECIPIENT', 'A recipient of backups must be like age1…, as age-keygen says')
  return publicKey(bytes)
}

/** The first identity of a file as age-keygen writes them, with its comments. Throws BACKUP_IDENTITY. */
export function readIdentity(text: string): KeyObject {
  const line = text.split(/\r?\n/).find((each) => each.trim() !== '' && !each.startsWith('#'))
  const bytes = decodeBech32(IDENTITY, line?.trim() ?? '')
  if (bytes?.length !== KEY_BYTES)
    throw new BackupError(
      'BACKUP_IDENTITY',
      'The identity must be a line AGE-SECRET-KEY-1…, as age-keygen makes',
    )
  return privateKey(bytes)
}

/** Whom an identity opens files for: `age1…`. Throws BACKUP_IDENTITY. */
export function recipientOf(identity: string): string {
  return encodeBech32(RECIPIENT, publicBytes(createPublicKey(readIdentity(identity))))
}

/** A new pair, for a drill and for tests. */
export function makeIdentity(): { identity: string; recipient: string } {
  const { privateKey: secret, publicKey: open } = generateKeyPairSync('x25519')
  const d = Buffer.from(secret.export({ format: 'jwk' }).d ?? '', 'base64url')
  return {
    identity: encodeBech32(IDENTITY, d).toUpperCase(),
    recipient: encodeBech32(RECIPIENT, publicBytes(open)),
  }
}

/** PKCS #8 and SubjectPublicKeyInfo of X25519 (RFC 8410 §4, §7) begin with these. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b656e04220420', 'hex')
const SPKI_HEAD = Buffer.from('302a300506032b656e032100', 'hex')

export function publicKey(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_HEAD, bytes]), format: 'der', type: 'spki' })
}

function privateKey(bytes: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, bytes]), format: 'der', type: 'pkcs8' })
}

export function publicBytes(key: KeyObject): Buffer {
  return key.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEAD.length)
}
