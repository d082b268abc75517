/** Standard Webhooks (standard-webhooks.com, specification 1.0): who sent an event, and that it is new. HMAC-SHA256 (`v1`) only. */
import { createHmac, timingSafeEqual } from 'node:crypto'

export const TOLERANCE_SECONDS = 300
/** Signatures looked at; a sender signs with a few keys while it changes them. */
const SIGNATURES_MAX = 10
const ID = /^[\x21-\x7e]{1,256}$/
const PREFIX = 'whsec_'

export interface SignedHeaders {
  readonly id: string | undefined
  readonly timestamp: string | undefined
  readonly signature: string | undefined
}

export type Verdict = 'valid' | 'headers' | 'signature' | 'time'

/** The key of a secret as senders write it: base64 after `whsec_`, or the bytes of anything else. Undefined under 24 bytes. */
export function webhookKey(secret: string): Buffer | undefined {
  const key = secret.startsWith(PREFIX)
    ? Buffer.from(secret.slice(PREFIX.length), 'base64')
    : Buffer.from(secret)
  return key.length < 24 ? undefined : key
}

/** `nowMs`: milliseconds since the epoch. The signature is looked at first: strangers learn nothing of our clock. */
export function verifyWebhook(key: Buffer, headers: SignedHeaders, body: Buffer, nowMs: number): Verdict {
  const { id, timestamp, signature } = headers
  if (id === undefined || timestamp === undefined || signature === undefined) return 'headers'
  if (!ID.test(id) || !/^\d{1,12}$/.test(timestamp)) return 'headers'
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  const given = signature.split(' ').slice(0, SIGNATURES_MAX)
  if (!given.map((each) => isSignature(each, expected)).includes(true)) return 'signature'
  return Math.abs(nowMs / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS ? 'valid' : 'time'
}

function isSignature(text: string, expected: Buffer): boolean {
  const [version, value = ''] = text.split(',')
  const given = Buffer.from(value, 'base64')
  return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
}
