/** HMAC (RFC 2104) and hashes of short texts, without the streams and key objects of node:crypto, which cost ten times the computation. */
import { hash as digestOf } from 'node:crypto'
import { assert } from '@sealpost/errors'

/** The hash of the mechanism, as in its name `SCRAM-SHA-256`. */
export type ScramHash = 'SHA-256' | 'SHA-1'

export const DIGESTS = {
  'SHA-256': { name: 'sha256', bytes: 32 },
  'SHA-1': { name: 'sha1', bytes: 20 },
} as const satisfies Record<ScramHash, { name: string; bytes: number }>

/** B of RFC 2104 §2, the same for both hashes. */
const BLOCK_BYTES = 64
const INNER = 0x36
const OUTER = 0x5c

/** HMAC(key, text) for keys of one block at most. RFC 5802 §2.2 */
export function hmac(hash: ScramHash, key: Buffer, text: string | Buffer): Buffer {
  assert(key.length <= BLOCK_BYTES, 'a key of SCRAM is as long as a hash')
  const { name, bytes } = DIGESTS[hash]
  const data = typeof text === 'string' ? Buffer.from(text) : text
  const inner = padded(key, INNER, data.length)
  data.copy(inner, BLOCK_BYTES)
  const outer = padded(key, OUTER, bytes)
  digestOf(name, inner, 'buffer').copy(outer, BLOCK_BYTES)
  return digestOf(name, outer, 'buffer')
}

/** A block of the key, each byte `pad` added (RFC 2104 §2), with room for `more` bytes. */
function padded(key: Buffer, pad: number, more: number): Buffer {
  const block = Buffer.allocUnsafe(BLOCK_BYTES + more).fill(pad, 0, BLOCK_BYTES)
  for (let index = 0; index < key.length; index++) block[index] = (key[index] ?? 0) ^ pad
  return block
}

/** H(data). RFC 5802 §2.2 */
export function digest(hash: ScramHash, data: Buffer): Buffer {
  return digestOf(DIGESTS[hash].name, data, 'buffer')
}
