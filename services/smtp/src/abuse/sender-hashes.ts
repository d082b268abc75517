/** Strangers are known to the database as keyed hashes only. The key is made of a secret outside Postgres and of the month: what is older cannot be told apart any more. */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, openSecretFile, type Random } from '@sealpost/runtime'

const FILE = 'smtp-senders.key'
const SECRET_BYTES = 32
const PERIOD_MS = 30 * 24 * 60 * 60 * 1000

export class SenderHashes {
  readonly #secret: string
  readonly #clock: Clock

  private constructor(secret: string, clock: Clock) {
    this.#secret = secret
    this.#clock = clock
  }

  static async open(dataDir: string, clock: Clock, random: Random): Promise<SenderHashes> {
    const secret = await openSecretFile(join(dataDir, FILE), random, () => random.token(SECRET_BYTES))
    return new SenderHashes(secret, clock)
  }

  /** Of this period, and of the one before. */
  hash(...parts: readonly string[]): readonly [Buffer, Buffer] {
    const period = Math.floor(this.#clock.now() / PERIOD_MS)
    return [this.#under(period, parts), this.#under(period - 1, parts)]
  }

  #under(period: number, parts: readonly string[]): Buffer {
    const mac = createHmac('sha256', this.#secret).update(`${String(period)};`)
    for (const part of parts) mac.update(`${String(part.length)}:`).update(part)
    return mac.digest()
  }
}
