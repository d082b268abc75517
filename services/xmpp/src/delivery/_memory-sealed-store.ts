/** The sealed store as a plain model for tests of delivery: a list per queue, and a database that can be made to fail. */
import { randomUUID } from 'node:crypto'
import type { Clock } from '@sealpost/runtime'
import type {
  QueueDepth,
  QueueKey,
  SealedEntry,
  SealedStore,
  StoredMessage,
} from './sealed-store/sealed-store.ts'

interface Row {
  readonly id: string
  readonly seq: number
  readonly kind: StoredMessage['kind']
  readonly plaintext: Buffer
  readonly due: number
}

const SIZE = 256

export class MemorySealedStore implements SealedStore {
  /** `throws`: an append is refused at once. `rejects`: it is given up later. */
  failure: 'none' | 'throws' | 'rejects' = 'none'
  /** Rows ever taken. */
  appended = 0
  /** Plaintexts that it was given and that it gave, which their users are to wipe. */
  readonly plaintexts: Buffer[] = []
  readonly #queues = new Map<string, Row[]>()
  readonly #clock: Clock
  readonly #underWay = new Set<Promise<void>>()
  #seq = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return [...this.#queues.values()].reduce((count, rows) => count + rows.length, 0)
  }

  append(key: QueueKey, plaintext: Buffer, due: number, kind: StoredMessage['kind']): SealedEntry {
    this.plaintexts.push(plaintext)
    if (this.failure === 'throws') throw new Error('the store takes nothing')
    this.appended++
    const rows = this.#queues.get(nameOf(key)) ?? []
    const row = { id: randomUUID(), seq: ++this.#seq, kind, plaintext: Buffer.from(plaintext), due }
    this.#queues.set(nameOf(key), [...rows, row])
    const stored = this.#store(row.id, this.failure === 'rejects')
    this.#underWay.add(stored)
    stored.catch(() => undefined).finally(() => this.#underWay.delete(stored))
    return { id: row.id, seq: row.seq, stored }
  }

  async #store(id: string, fails: boolean): Promise<void> {
    await turns(2)
    if (!fails) return
    this.shred([id])
    throw new Error('the store has given up')
  }

  async read(key: QueueKey, afterSeq: number, limitRows: number): Promise<StoredMessage[]> {
    const page = this.#rows(key)
      .filter(({ seq }) => seq > afterSeq)
      .slice(0, limitRows)
    await turns(2)
    const given = page
      .filter((row) => this.#rows(key).includes(row))
      .map(({ id, seq, kind, plaintext }) => ({ id, seq, kind, plaintext: Buffer.from(plaintext) }))
    this.plaintexts.push(...given.map(({ plaintext }) => plaintext))
    return given
  }

  async fetch(key: QueueKey, ids: ReadonlySet<string>): Promise<StoredMessage[]> {
    return (await this.read(key, 0, Infinity)).filter(({ id }) => ids.has(id))
  }

  queueOf(id: string): QueueKey | undefined {
    for (const [name, rows] of this.#queues) {
      const [account = '', device = ''] = name.split(' ')
      if (rows.some((row) => row.id === id)) return { account, device }
    }
    return undefined
  }

  shred(ids: Iterable<string>): number {
    const gone = new Set(ids)
    const before = this.size
    for (const [name, rows] of this.#queues) {
      const left = rows.filter(({ id }) => !gone.has(id))
      if (left.length > 0) this.#queues.set(name, left)
      else this.#queues.delete(name)
    }
    return before - this.size
  }

  shredQueue(key: QueueKey): number {
    return this.shred(this.#rows(key).map(({ id }) => id))
  }

  shredAccount(account: string): number {
    return this.queuesOf(account).reduce((count, key) => count + this.shredQueue(key), 0)
  }

  depth(key: QueueKey): QueueDepth {
    const rows = this.#rows(key)
    return {
      count: rows.length,
      bytes: rows.length * SIZE,
      oldest: undefined,
      lastSeq: rows.length > 0 ? this.#seq : 0,
    }
  }

  totals() {
    return { count: this.size, bytes: this.size * SIZE, oldest: undefined }
  }

  queuesOf(account: string): QueueKey[] {
    return [...this.#queues.keys()]
      .map((name) => name.split(' '))
      .filter(([owner]) => owner === account)
      .map(([, device = '']) => ({ account, device }))
  }

  expire(): { count: number } {
    const second = Math.floor(this.#clock.now() / 1000)
    const due = [...this.#queues.values()].flat().filter((row) => row.due <= second)
    return { count: this.shred(due.map(({ id }) => id)) }
  }

  async shredded(): Promise<void> {}

  async garbage(): Promise<number> {
    return 0
  }

  async flushed(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #rows(key: QueueKey): readonly Row[] {
    return this.#queues.get(nameOf(key)) ?? []
  }
}

/** Turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function nameOf(key: QueueKey): string {
  return `${key.account} ${key.device}`
}
