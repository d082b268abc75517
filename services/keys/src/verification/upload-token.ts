/**
 * The token that an upload over VKS is answered with. It says which certificate was uploaded and until when mails may be asked for, under a MAC: nothing is
 * kept of who uploads what. It proves nothing about its holder, since anybody can upload anything.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const UPLOAD_TOKEN_MS = 60 * 60_000
const MAC_BYTES = 16
const EXPIRY_BYTES = 4
const TOKEN = /^[\w-]{1,100}$/
const FINGERPRINT_BYTES: readonly number[] = [20, 32]

export interface UploadTokens {
  make(fingerprint: string): string
  /** The fingerprint; undefined when the token is not ours, or an hour old. */
  read(token: string): string | undefined
}

/** `now` in milliseconds since 1970. */
export function uploadTokens(key: Buffer, now: () => number): UploadTokens {
  const mac = (payload: Buffer): Buffer =>
    createHmac('sha256', key).update(payload).digest().subarray(0, MAC_BYTES)
  return {
    make(fingerprint) {
      const expires = Buffer.alloc(EXPIRY_BYTES)
      expires.writeUInt32BE(Math.floor((now() + UPLOAD_TOKEN_MS) / 1000))
      const payload = Buffer.concat([expires, Buffer.from(fingerprint, 'hex')])
      return Buffer.concat([payload, mac(payload)]).toString('base64url')
    },
    read(token) {
      const bytes = TOKEN.test(token) ? Buffer.from(token, 'base64url') : Buffer.alloc(0)
      const payload = bytes.subarray(0, -MAC_BYTES)
      const fingerprint = payload.subarray(EXPIRY_BYTES)
      if (!FINGERPRINT_BYTES.includes(fingerprint.length)) return undefined
      if (!timingSafeEqual(mac(payload), bytes.subarray(-MAC_BYTES))) return undefined
      if (payload.readUInt32BE(0) * 1000 <= now()) return undefined
      return fingerprint.toString('hex').toUpperCase()
    },
  }
}
