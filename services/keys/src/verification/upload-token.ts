/**
 * The token that an upload over VKS is answered with. It says which certificate was uploaded, with which addresses, and until when mails may be asked for, under a
 * MAC: nothing is kept of who uploads what. It proves nothing about its holder but that they know these addresses, since anybody can upload anything.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const UPLOAD_TOKEN_MS = 60 * 60_000
const MAC_BYTES = 16
const EXPIRY_BYTES = 4
/** Of the tag of an address. */
const TAG_BYTES = 4
/** Room for the tags of 50 addresses, more than a certificate has. */
const TOKEN = /^[\w-]{1,400}$/
const FINGERPRINT_BYTES: readonly number[] = [20, 32]

/** What somebody has uploaded. */
export interface Uploaded {
  readonly fingerprint: string
  /** Whether it was with a user id of this address, in lower case. */
  readonly named: (address: string) => boolean
}

export interface UploadTokens {
  make(fingerprint: string, addresses: readonly string[]): string
  /** Undefined when the token is not ours, or an hour old. */
  read(token: string): Uploaded | undefined
}

/** `now` in milliseconds since 1970. */
export function uploadTokens(key: Buffer, now: () => number): UploadTokens {
  const mac = (payload: Buffer): Buffer =>
    createHmac('sha256', key).update(payload).digest().subarray(0, MAC_BYTES)
  const tagOf = (address: string): Buffer =>
    createHmac('sha256', key).update(`address ${address}`).digest().subarray(0, TAG_BYTES)
  return {
    make(fingerprint, addresses) {
      const head = Buffer.alloc(EXPIRY_BYTES + 1)
      head.writeUInt32BE(Math.floor((now() + UPLOAD_TOKEN_MS) / 1000))
      head.writeUInt8(fingerprint.length / 2, EXPIRY_BYTES)
      const payload = Buffer.concat([head, Buffer.from(fingerprint, 'hex'), ...addresses.map(tagOf)])
      return Buffer.concat([payload, mac(payload)]).toString('base64url')
    },
    read(token) {
      const bytes = TOKEN.test(token) ? Buffer.from(token, 'base64url') : Buffer.alloc(0)
      const payload = bytes.subarray(0, -MAC_BYTES)
      const fingerprintBytes = payload[EXPIRY_BYTES] ?? 0
      if (!FINGERPRINT_BYTES.includes(fingerprintBytes)) return undefined
      if (!timingSafeEqual(mac(payload), bytes.subarray(-MAC_BYTES))) return undefined
      if (payload.readUInt32BE(0) * 1000 <= now()) return undefined
      const tagsStart = EXPIRY_BYTES + 1 + fingerprintBytes
      const tags = new Set<string>()
      for (let at = tagsStart; at < payload.length; at += TAG_BYTES)
        tags.add(payload.toString('hex', at, at + TAG_BYTES))
      return {
        fingerprint: payload.toString('hex', EXPIRY_BYTES + 1, tagsStart).toUpperCase(),
        named: (address) => tags.has(tagOf(address).toString('hex')),
      }
    },
  }
}
