/** C2SP signed-note: text and its signatures, with Ed25519 keys. Left out: ECDSA and ML-DSA, whose signatures are ignored like those of unknown keys. */
import { createHash, createPublicKey, sign, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { decodeBase64 } from './base64.ts'
import { malformed, unsigned } from './tlog-error.ts'

/** 16 signatures of 5 kB, as the specification asks, and room for more. */
export const NOTE_BYTES_MAX = 256 * 1024
const SIGNATURES_MAX = 64
const NAME_CHARS_MAX = 255
const KEY_ID_BYTES = 4
const PUBLIC_KEY_BYTES = 32
const ED25519_SIGNATURE_BYTES = 64

/** The assigned signature type identifiers that are understood here. */
export const SIGNATURE_TYPE = { ed25519: 1, cosignature: 4 } as const
export type SignatureType = (typeof SIGNATURE_TYPE)[keyof typeof SIGNATURE_TYPE]

export interface NoteKey {
  readonly name: string
  /** Eight hexadecimal digits. */
  readonly id: string
  readonly type: SignatureType
  /** As RFC 8032 writes it. */
  readonly publicKey: Buffer
}

export interface NoteSignature {
  readonly name: string
  readonly keyId: string
  /** What comes after the key id. */
  readonly signature: Buffer
}

export interface SignedNote {
  /** With the line end at its end. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** Throws TLOG_MALFORMED for a name that a note cannot have. */
export function noteKey(name: string, type: SignatureType, publicKey: Uint8Array): NoteKey {
  if (!isName(name) || publicKey.length !== PUBLIC_KEY_BYTES) throw malformed('verifier key')
  const hash = createHash('sha256')
    .update(`${name}\n`)
    .update(Buffer.from([type]))
    .update(publicKey)
  const id = hash.digest().subarray(0, KEY_ID_BYTES).toString('hex')
  return { name, id, type, publicKey: Buffer.from(publicKey) }
}

/** `name+id+base64`: a verifier key, or vkey. Throws TLOG_MALFORMED. */
export function parseVerifierKey(vkey: string): NoteKey {
  const match = /^([^+]{1,255})\+([0-9a-f]{8})\+([\w+/=]{44})$/.exec(vkey)
  const material = decodeBase64(match?.[3] ?? '')
  const type = Object.values(SIGNATURE_TYPE).find((each) => each === material?.[0])
  if (match === null || material === undefined || type === undefined) throw malformed('verifier key')
  const key = noteKey(match[1] ?? '', type, material.subarray(1))
  if (key.id !== match[2]) throw malformed('verifier key')
  return key
}

export function formatVerifierKey({ name, id, type, publicKey }: NoteKey): string {
  return `${name}+${id}+${Buffer.concat([Buffer.from([type]), publicKey]).toString('base64')}`
}

/** Throws TLOG_MALFORMED for what is not a signed note, or is larger than NOTE_BYTES_MAX. */
export function parseNote(bytes: Uint8Array): SignedNote {
  const whole = decodeText(bytes)
  const gap = whole.lastIndexOf('\n\n')
  if (gap < 0) throw malformed('signed note')
  return { text: whole.slice(0, gap + 1), signatures: readSignatureLines(whole.slice(gap + 2)) }
}

/** Lines of signatures alone, as a witness answers. Throws TLOG_MALFORMED. */
export function parseSignatureLines(bytes: Uint8Array): NoteSignature[] {
  return readSignatureLines(decodeText(bytes))
}

function decodeText(bytes: Uint8Array): string {
  if (bytes.length > NOTE_BYTES_MAX) throw malformed('signed note')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw malformed('signed note')
  }
  // eslint-disable-next-line no-control-regex
  if (/[\u0000-\u0009\u000b-\u001f]/.test(text)) throw malformed('signed note')
  return text
}

function readSignatureLines(text: string): NoteSignature[] {
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length === 0 || lines.length > SIGNATURES_MAX)
    throw malformed('signed note')
  return lines.map(readSignatureLine)
}

function readSignatureLine(line: string): NoteSignature {
  const [dash, name = '', encoded = '', ...rest] = line.split(' ')
  const bytes = decodeBase64(encoded)
  if (dash !== '\u2014' || rest.length > 0 || !isName(name)) throw malformed('signed note')
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES) throw malformed('signed note')
  const keyId = bytes.subarray(0, KEY_ID_BYTES).toString('hex')
  return { name, keyId, signature: bytes.subarray(KEY_ID_BYTES) }
}

function isName(name: string): boolean {
  return name !== '' && name.length <= NAME_CHARS_MAX && !/[\s+\p{Z}\p{Cc}]/u.test(name)
}

/** One line, with its end. */
export function formatSignature({ name, keyId, signature }: NoteSignature): string {
  const bytes = Buffer.concat([Buffer.from(keyId, 'hex'), signature])
  return `\u2014 ${name} ${bytes.toString('base64')}\n`
}

export function formatNote({ text, signatures }: SignedNote): string {
  return `${text}\n${signatures.map(formatSignature).join('')}`
}

/** Signs a text that ends with a line end; `secret` is the Ed25519 key that belongs to the public one of `key`. */
export function signText(text: string, key: NoteKey, secret: KeyObject): NoteSignature {
  return { name: key.name, keyId: key.id, signature: sign(null, Buffer.from(text), secret) }
}

/** The signatures of a note that claim to be of this key. */
export function signaturesOf(note: Pick<SignedNote, 'signatures'>, key: NoteKey): readonly NoteSignature[] {
  return note.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.id)
}

/** Throws TLOG_SIGNATURE unless the key has signed, or when one of its signatures is wrong. */
export function requireSignature(note: SignedNote, key: NoteKey): void {
  const signatures = signaturesOf(note, key)
  const right = signatures.every(({ signature }) => isSignedBy(key, note.text, signature))
  if (signatures.length === 0 || !right) throw unsigned('note')
}

/** RFC 8032 Ed25519. */
export function isSignedBy(key: NoteKey, message: string, signature: Uint8Array): boolean {
  if (signature.length !== ED25519_SIGNATURE_BYTES) return false
  const x = key.publicKey.toString('base64url')
  const imported = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  return verify(null, Buffer.from(message), imported, signature)
}
