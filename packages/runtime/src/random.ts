import { randomBytes, randomUUID } from 'node:crypto'

/** The one source of randomness; cryptographically secure in production. */
export interface Random {
  bytes(count: number): Buffer
  /** Version 4: random throughout, no time in it. */
  uuid(): string
  /** base64url of `bytes` random bytes, 24 unless told. */
  token(bytes?: number): string
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID(),
  token: (bytes = 24) => randomBytes(bytes).toString('base64url'),
}
