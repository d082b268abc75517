import { randomBytes, randomFillSync, randomUUID } from 'node:crypto'

/** The one source of randomness; cryptographically secure in production. */
export interface Random {
  bytes(count: number): Buffer
  /** Version 4: random throughout, no time in it. */
  uuid(): string
  /** base64url of `bytes` random bytes, 24 unless told. */
  token(bytes?: number): string
}

/** A request to the system's generator costs ten times what a few bytes are worth. */
const POOL_BYTES = 4096
/** What is longer is asked for by itself. */
const FROM_POOL_MAX = 64

const pool = Buffer.alloc(POOL_BYTES)
let used = POOL_BYTES

/** Bytes that nobody else gets; they are gone from the pool once `use` returns. */
function fromPool<T>(count: number, use: (drawn: Buffer) => T): T {
  if (used + count > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  const drawn = pool.subarray(used, used + count)
  used += count
  const result = use(drawn)
  drawn.fill(0)
  return result
}

/** NOTE: V8 keeps a buffer of up to 64 bytes among its objects, and leaves copies behind when it moves these. One over an ArrayBuffer stays where it is, and can be wiped. */
function bytes(count: number): Buffer {
  if (count > FROM_POOL_MAX) return randomBytes(count)
  return fromPool(count, (drawn) => {
    const copy = Buffer.from(new ArrayBuffer(count))
    drawn.copy(copy)
    return copy
  })
}

function token(count = 24): string {
  if (count > FROM_POOL_MAX) return randomBytes(count).toString('base64url')
  return fromPool(count, (drawn) => drawn.toString('base64url'))
}

export const systemRandom: Random = { bytes, uuid: () => randomUUID(), token }
