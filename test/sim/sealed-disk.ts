/**
 * The sealed store over a simulated disk and database: slow, at times away, and after a crash with nothing but what
 * was synced and committed, and with some of what was not. What a message is, it finds out as a reader of its text.
 */
import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type {
  QueueDepth,
  QueueKey,
  SealedEntry,
  SealedStore,
  StoredMessage,
} from '../../services/xmpp/src/delivery/sealed-store/sealed-store.ts'
import type { SeededRandom } from './seeded-random.ts'

interface Row {
  readonly id: string
  readonly queue: string
  seq: number
  readonly plaintext: Buffer
  readonly due: number
  readonly kind: StoredMessage['kind']
  /** Key and row, each in its own time. */
  synced: boolean
  committed: boolean
  /** Not yet overwritten on disk. */
  shredding: boolean
}

interface Queue {
  readonly key: QueueKey
  readonly rows: Map<string, Row>
  lastSeq: number
}

const SIZE = 1024
/** A commit that does not succeed is given up after so long. */
const GIVE_UP_MS = 60_000
const CLOSE_MS = 2_500

/** What becomes of messages, by their ids. */
export interface DiskEvents {
  /** A copy of it is in the queue of this device after a crash, although it had been acknowledged. */
  survived(id: string, device: string): void
  /** A copy of it was taken and could not be kept in the end. */
  givenUp(id: string): void
}

/** What survives a process. */
export class SealedDisk {
  /** Postgres does not answer. */
  databaseAway = false
  /** The volume of the keyring cannot be written. */
  keyringAway = false
  /** Part of the commits that take long and fail in the end. */
  failureRate = 0
  delayMs = 4
  readonly #events: DiskEvents
  readonly rows = new Map<string, Row>()
  readonly random: SeededRandom

  constructor(random: SeededRandom, events: DiskEvents) {
    this.random = random
    this.#events = events
  }

  /** Messages in the queue of a device that can still be read. */
  waitingFor(account: string, device: string): number {
    const queue = nameOf({ account, device })
    return [...this.rows.values()].filter((row) => row.queue === queue && !row.shredding).length
  }

  givenUp(plaintext: Buffer): void {
    this.#events.givenUp(messageIdOf(plaintext.toString()) ?? '')
  }

  /** The process is gone: of what was under way some made it, some did not. */
  crash(): void {
    for (const row of this.rows.values()) {
      row.synced ||= this.random.chance(0.5)
      row.committed ||= this.random.chance(0.5)
      const shredded = row.shredding && this.random.chance(0.5)
      if (!row.synced || !row.committed || shredded) this.rows.delete(row.id)
      else if (row.shredding)
        this.#events.survived(messageIdOf(row.plaintext.toString()) ?? '', queueOf(row).device)
    }
    const counts = new Map<string, number>()
    for (const row of this.rows.values()) {
      row.shredding = false
      row.seq = (counts.get(row.queue) ?? 0) + 1
      counts.set(row.queue, row.seq)
    }
  }
}

/** The id of a message, or of the one that a carbon copy carries. */
export function messageIdOf(xml: string): string | undefined {
  return /<message [^>]*?\bid='(m\d+)'/.exec(xml)?.[1]
}

export class SimulatedSealedStore implements SealedStore {
  readonly #disk: SealedDisk
  readonly #clock: Clock
  readonly #queues = new Map<string, Queue>()
  readonly #index = new Map<string, Queue>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #shreds = new Set<Promise<void>>()
  #issued = 0
  #closed = false
  #dead = false

  /** @param clock of the process: it stops with it */
  constructor(disk: SealedDisk, clock: Clock) {
    this.#disk = disk
    this.#clock = clock
    for (const row of disk.rows.values()) {
      const queue = this.#queue(queueOf(row))
      queue.rows.set(row.id, row)
      queue.lastSeq = Math.max(queue.lastSeq, row.seq)
      this.#issued = Math.max(this.#issued, row.seq)
      this.#index.set(row.id, queue)
    }
    this.expire()
  }

  /** The process is killed: nothing reaches the disk any more. */
  kill(): void {
    this.#dead = true
  }

  append(key: QueueKey, plaintext: Buffer, due: number, kind: StoredMessage['kind']): SealedEntry {
    if (this.#closed) throw new OperationalError('STORE_CLOSED', 'closed')
    if (this.#disk.keyringAway) throw new OperationalError('KEYRING_UNAVAILABLE', 'away')
    const { random } = this.#disk
    const queue = this.#queue(key)
    const row: Row = {
      id: random.uuid(),
      queue: nameOf(key),
      seq: ++queue.lastSeq,
      plaintext: Buffer.from(plaintext),
      due,
      kind,
      synced: false,
      committed: false,
      shredding: false,
    }
    this.#issued = Math.max(this.#issued, row.seq)
    queue.rows.set(row.id, row)
    this.#index.set(row.id, queue)
    if (!this.#dead) this.#disk.rows.set(row.id, row)
    const stored = this.#store(row)
    this.#underWay.add(stored)
    stored.then(
      () => this.#underWay.delete(stored),
      () => this.#underWay.delete(stored),
    )
    return { id: row.id, seq: row.seq, stored }
  }

  async #store(row: Row): Promise<void> {
    const { random } = this.#disk
    const begun = this.#clock.monotonic()
    const fails = random.chance(this.#disk.failureRate)
    await Promise.all([this.#delay().then(() => void (row.synced = true)), this.#delay()])
    for (;;) {
      if (!fails && !this.#disk.databaseAway && !this.#disk.keyringAway) break
      await this.#pause(50)
      if (this.#clock.monotonic() - begun >= GIVE_UP_MS || (fails && random.chance(0.2)))
        return this.#giveUp(row)
    }
    row.committed = true
  }

  #giveUp(row: Row): never {
    this.#disk.givenUp(row.plaintext)
    if (!this.#closed) this.shred([row.id])
    throw new OperationalError('STORE_UNAVAILABLE', 'given up')
  }

  async read(
    key: QueueKey,
    afterSeq: number,
    limitRows: number,
    limitBytes: number,
  ): Promise<StoredMessage[]> {
    const queue = this.#queues.get(nameOf(key))
    if (!queue) return []
    const limit = Math.min(limitRows, Math.max(1, Math.floor(limitBytes / SIZE)))
    const page = [...queue.rows.values()].filter(({ seq }) => seq > afterSeq).slice(0, limit)
    await this.#delay()
    if (this.#disk.databaseAway) throw new OperationalError('DB_UNAVAILABLE', 'away')
    return page
      .filter(({ id }) => this.#index.has(id))
      .map(({ id, seq, kind, plaintext }) => ({ id, seq, kind, plaintext: Buffer.from(plaintext) }))
  }

  async fetch(key: QueueKey, ids: ReadonlySet<string>): Promise<StoredMessage[]> {
    return (await this.read(key, 0, Infinity, Infinity)).filter(({ id }) => ids.has(id))
  }

  queueOf(id: string): QueueKey | undefined {
    return this.#index.get(id)?.key
  }

  shred(ids: Iterable<string>): number {
    const gone: Row[] = []
    for (const id of ids) {
      const queue = this.#index.get(id)
      const row = queue?.rows.get(id)
      if (!queue || !row) continue
      gone.push(row)
      this.#index.delete(id)
      queue.rows.delete(id)
      if (queue.rows.size === 0) this.#queues.delete(nameOf(queue.key))
    }
    if (gone.length > 0 && !this.#dead) this.#overwrite(gone)
    return gone.length
  }

  #overwrite(rows: readonly Row[]): void {
    for (const row of rows) row.shredding = true
    const overwritten = this.#shredded(rows)
    this.#shreds.add(overwritten)
    void overwritten.finally(() => this.#shreds.delete(overwritten))
  }

  async #shredded(rows: readonly Row[]): Promise<void> {
    await this.#delay()
    while (this.#disk.keyringAway) await this.#pause(50)
    for (const { id } of rows) this.#disk.rows.delete(id)
  }

  shredQueue(key: QueueKey): number {
    return this.shred([...(this.#queues.get(nameOf(key))?.rows.keys() ?? [])])
  }

  shredAccount(account: string): number {
    return this.queuesOf(account).reduce((count, key) => count + this.shredQueue(key), 0)
  }

  depth(key: QueueKey): QueueDepth {
    const queue = this.#queues.get(nameOf(key))
    if (!queue) return { count: 0, bytes: 0, oldest: undefined, lastSeq: 0 }
    const { rows, lastSeq } = queue
    return { count: rows.size, bytes: rows.size * SIZE, oldest: undefined, lastSeq }
  }

  totals() {
    const count = [...this.#queues.values()].reduce((sum, { rows }) => sum + rows.size, 0)
    return { count, bytes: count * SIZE, oldest: undefined }
  }

  queuesOf(account: string): QueueKey[] {
    return [...this.#queues.values()].map(({ key }) => key).filter((key) => key.account === account)
  }

  expire(): { count: number } {
    const second = Math.floor(this.#clock.now() / 1000)
    const rows = [...this.#queues.values()].flatMap((queue) => [...queue.rows.values()])
    return { count: this.shred(rows.filter(({ due }) => due <= second).map(({ id }) => id)) }
  }

  async shredded(): Promise<void> {
    await Promise.all(this.#shreds)
  }

  async garbage(): Promise<number> {
    return 0
  }

  async flushed(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  /** A clean stop: what is under way gets a few seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.race([Promise.all([this.flushed(), this.shredded()]), this.#pause(CLOSE_MS)])
    this.#dead = true
  }

  /** Positions of a queue begin above all that were given out before it was made. */
  #queue(key: QueueKey): Queue {
    const name = nameOf(key)
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = { key, rows: new Map(), lastSeq: this.#issued }))
    return queue
  }

  #delay(): Promise<void> {
    return this.#pause(1 + this.#disk.random.fraction() * this.#disk.delayMs)
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#clock.after(ms, resolve)
    return promise
  }
}

function queueOf(row: Row): QueueKey {
  return JSON.parse(row.queue) as QueueKey
}

function nameOf({ account, device }: QueueKey): string {
  return JSON.stringify({ account, device })
}
