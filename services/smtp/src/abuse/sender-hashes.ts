/**
 * Strangers are known to the database as keyed hashes only. There are two keys, of this period and of the one before, in a file outside Postgres. A new key is drawn, not
 * derived, and written over the older one: hashes that are older can be tested against nobody any more, whatever backup they are in and whoever has the file.
 */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { type Clock, openSecretFile, overwriteSecretFile, type Random } from '@sealpost/runtime'

const FILE = 'smtp-senders.key'
const KEY_BYTES = 32
const HOUR_MS = 60 * 60 * 1000
const PERIOD_MS = 30 * 24 * HOUR_MS
/** Always as long, so that it is overwritten where it is: period, key of the period, key of the one before. */
const TEXT = /^(?<period>\d{10}) (?<current>[\w-]{43}) (?<before>[\w-]{43})$/

interface Keys {
  /** Number of the period since the epoch. */
  readonly period: number
  readonly current: string
  readonly before: string
}

export class SenderHashes implements Disposable {
  readonly #turns: Disposable
  #keys: readonly [KeyObject, KeyObject]

  private constructor(keys: Keys, turns: (take: (keys: Keys) => void) => Disposable) {
    this.#keys = objectsOf(keys)
    this.#turns = turns((next) => {
      this.#keys = objectsOf(next)
    })
  }

  /** A file of another form is overwritten: its strangers are strangers again. Throws SECRET_FILE_OPEN when others than its owner may read it. */
  static async open(dataDir: string, clock: Clock, random: Pick<Random, 'token'>): Promise<SenderHashes> {
    const path = join(dataDir, FILE)
    const read = (): Promise<Keys> => keysOfNow(path, clock, random)
    return new SenderHashes(await read(), (take) => clock.every(HOUR_MS, async () => take(await read())))
  }

  /** Of this period, and of the one before. */
  hash(...parts: readonly string[]): readonly [Buffer, Buffer] {
    const [current, before] = this.#keys
    return [under(current, parts), under(before, parts)]
  }

  [Symbol.dispose](): void {
    this.#turns[Symbol.dispose]()
  }
}

/** What is in the file, overwritten first when it is of an earlier period. */
async function keysOfNow(path: string, clock: Clock, random: Pick<Random, 'token'>): Promise<Keys> {
  const period = Math.floor(clock.now() / PERIOD_MS)
  const fresh = drawn(period, random)
  const found = parse(await openSecretFile(path, random, () => format(fresh)))
  const keys = found === undefined ? fresh : turned(found, period, random)
  if (keys !== found) await overwriteSecretFile(path, format(keys))
  return keys
}

const drawn = (period: number, random: Pick<Random, 'token'>): Keys => ({
  period,
  current: random.token(KEY_BYTES),
  before: random.token(KEY_BYTES),
})

/** The keys of a period, by those of an earlier one; the same while they hold, also under a clock that is set back a little. */
function turned(keys: Keys, period: number, random: Pick<Random, 'token'>): Keys {
  const ahead = period - keys.period
  if (ahead === 0 || ahead === -1) return keys
  const next = drawn(period, random)
  return ahead === 1 ? { ...next, before: keys.current } : next
}

const format = ({ period, current, before }: Keys): string =>
  `${String(period).padStart(10, '0')} ${current} ${before}`

function parse(text: string): Keys | undefined {
  const { period, current, before } = TEXT.exec(text)?.groups ?? {}
  if (period === undefined || current === undefined || before === undefined) return undefined
  return { period: Number(period), current, before }
}

const objectsOf = ({ current, before }: Keys): readonly [KeyObject, KeyObject] => [
  createSecretKey(current, 'base64url'),
  createSecretKey(before, 'base64url'),
]

function under(key: KeyObject, parts: readonly string[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(`${String(part.length)}:`).update(part)
  return mac.digest()
}
