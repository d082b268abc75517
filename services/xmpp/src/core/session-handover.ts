/**
 * From one process to the next: sessions that may be resumed (XEP-0198 §5) are sealed when the server stops, like messages under
 * keys that are used once, and taken up when it starts. The keys are destroyed, on disk too, before the first stanza is handled: a
 * record is used once, and a process that is killed leaves none, rather than counters that are not true any more.
 */
import { errorCode } from '@sealpost/errors'
import type { Hooks as HookBus } from '@sealpost/hooks'
import { parseJid } from '@sealpost/jid'
import type { Clock, Random } from '@sealpost/runtime'
import type { Delivery } from '../delivery/delivery.ts'
import type { DeviceRegistry } from '../delivery/device-registry.ts'
import type { QueueKey, SealedStore } from '../delivery/sealed-store/sealed-store.ts'
import type { XmppEvents } from '../events.ts'
import type { Hooks } from './module.ts'
import type { SessionLifecycle } from './session-lifecycle.ts'
import {
  accountOf,
  applyRecord,
  decodeRecords,
  encodeRecord,
  recordOf,
  type SessionRecord,
} from './session-record.ts'
import type { SavedData, Session } from './session.ts'

/** Whose queues the records are in: nobody's, so that they tell nothing of whose session it was. */
const RECORDS_ACCOUNT = '00000000-0000-0000-0000-000000000000'
/** Bytes of records that share a key and a row. */
const ROW_BYTES = 256 * 1024
/** Bytes of all records; sessions beyond end as if the process had been killed. */
const RECORDS_BYTES_MAX = 128 * 1024 * 1024
/** Accounts whose devices are looked up at the same time. */
const AT_ONCE = 32
/** `index count`: which of how many rows of one list this is. */
const ROW_HEAD_BYTES = 8

export interface HandoverOptions {
  readonly store: SealedStore
  readonly lifecycle: SessionLifecycle
  readonly delivery: Delivery
  readonly devices: DeviceRegistry
  readonly hooks: HookBus<Hooks>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly events: XmppEvents
}

export class SessionHandover {
  readonly #options: HandoverOptions

  constructor(options: HandoverOptions) {
    this.#options = options
  }

  /** Seals all hibernated sessions. What is not handed to the store within `budgetMs` stays behind. */
  async seal(budgetMs: number): Promise<void> {
    const { lifecycle, events, clock } = this.#options
    const hibernated = lifecycle.hibernated()
    if (hibernated.length === 0) return
    // One time for all: those that ran out while the server was away are ended by the next process, which tells their contacts.
    const due = Math.ceil(Math.max(...hibernated.map(({ untilMs }) => untilMs)) / 1000)
    const deadline = clock.monotonic() + budgetMs
    try {
      for (const list of lists(hibernated.map(({ session, untilMs }) => this.#encode(session, untilMs))))
        await this.#append(list, due, deadline)
      events.sessionsSealed(hibernated.length)
    } catch (error) {
      events.handoverFailed(error)
    }
  }

  #encode(session: Session, untilMs: number): Buffer {
    const { hooks, devices } = this.#options
    const saved: SavedData = {}
    void hooks.fire('session/save', { session, saved })
    const record = recordOf(session, untilMs, saved)
    const { account, queues } = session
    if (!devices.hasInherited(account, queues.device)) return encodeRecord(record)
    return encodeRecord({ ...record, queues: { ...record.queues, inherited: undefined } })
  }

  async #append(list: Buffer, due: number, deadline: number): Promise<void> {
    const { store, random } = this.#options
    const queue = { account: RECORDS_ACCOUNT, device: random.uuid() }
    const count = Math.ceil(list.length / ROW_BYTES)
    for (let index = 0; index < count; index++) {
      const row = Buffer.alloc(ROW_HEAD_BYTES + Math.min(ROW_BYTES, list.length - index * ROW_BYTES))
      row.writeUInt32BE(index, 0)
      row.writeUInt32BE(count, 4)
      list.copy(row, ROW_HEAD_BYTES, index * ROW_BYTES)
      await this.#roomBefore(deadline, () => store.append(queue, row, due, 'session'))
      row.fill(0)
    }
    list.fill(0)
  }

  /** The store takes a bounded amount at once: what it refuses for that is tried again when it has written some. */
  async #roomBefore(deadline: number, append: () => unknown): Promise<void> {
    const { store, clock } = this.#options
    for (;;) {
      try {
        append()
        return
      } catch (error) {
        const left = deadline - clock.monotonic()
        if (errorCode(error) !== 'STORE_BUSY' || left <= 0) throw error
        const { promise, resolve } = Promise.withResolvers<void>()
        using _ = clock.after(left, resolve)
        await Promise.race([store.flushed(), promise])
      }
    }
  }

  /** Restores what the process before has sealed; afterwards nothing of it is left. */
  async takeUp(): Promise<void> {
    const { store, events, lifecycle, clock } = this.#options
    const records: SessionRecord[] = []
    const queues = store.queuesOf(RECORDS_ACCOUNT)
    for (const queue of queues) records.push(...decodeRecords(await this.#read(queue)))
    for (const queue of queues) store.shredQueue(queue)
    await store.shredded()
    await this.#prepareInheriting(records)
    for (const record of records) await this.#restore(record)
    for (const { session, untilMs } of lifecycle.hibernated())
      if (untilMs <= clock.now()) lifecycle.end(session) // while nobody was there to tell
    if (records.length > 0) events.sessionsRestored(records.length)
  }

  /** Finds where the queues end that devices still have to take over. */
  async #prepareInheriting(records: readonly SessionRecord[]): Promise<void> {
    const { devices } = this.#options
    const left = records.filter(({ queues }) => queues.inherited)
    while (left.length > 0)
      await Promise.all(
        left.splice(0, AT_ONCE).map(async ({ accountId }) => devices.queuesOf({ id: accountId })),
      )
  }

  /** A list of records; nothing when rows of it are missing, as after a stop that was cut short. */
  async #read(queue: QueueKey): Promise<string> {
    const rows = await this.#options.store.read(queue, 0, Infinity, Infinity)
    const isWhole = rows.every(
      ({ plaintext }, index) =>
        plaintext.readUInt32BE(0) === index && plaintext.readUInt32BE(4) === rows.length,
    )
    const list = Buffer.concat(rows.map(({ plaintext }) => plaintext.subarray(ROW_HEAD_BYTES)))
    const text = isWhole ? list.toString() : ''
    for (const { plaintext } of rows) plaintext.fill(0)
    list.fill(0)
    return text
  }

  async #restore(record: SessionRecord): Promise<void> {
    const { lifecycle, delivery, hooks, domains } = this.#options
    const jid = parseJid(record.jid)
    if (!domains.includes(jid.domain)) return
    const account = accountOf(record)
    const queues = { ...record.queues, dropped: [] }
    const { credential, untilMs } = record
    const session = lifecycle.restore({ account, credential, jid, queues, untilMs })
    applyRecord(session, record, (id) => delivery.copyOf(session, id))
    await hooks.fire('session/restored', { session, saved: record.saved })
  }
}

/** Joins records to lists that fit into one row; a record that does not is a list by itself. */
function* lists(records: readonly Buffer[]): Iterable<Buffer> {
  let list: Buffer[] = []
  let bytes = 0
  let total = 0
  for (const record of records) {
    total += record.length
    if (total > RECORDS_BYTES_MAX) break
    if (bytes > 0 && bytes + record.length > ROW_BYTES) {
      yield Buffer.concat(list)
      list = []
      bytes = 0
    }
    list.push(record)
    bytes += record.length
  }
  if (bytes > 0) yield Buffer.concat(list)
}
