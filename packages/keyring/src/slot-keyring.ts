import { assert } from '@sealpost/errors'
import { type Clock, collectYoung } from '@sealpost/runtime'
import { DueHeap } from './due-heap.ts'
import { Sealer, classBytes, sizeClassOf } from './envelope.ts'
import { IdIndex } from './id-index.ts'
import { KeyringError } from './keyring-error.ts'
import type { Keyring, QueueHandle, QueuedMessage, Reconciliation, Sealed } from './keyring.ts'
import { PACKED_ROW_BYTES, packedHandle, readPackedRow } from './packed-row.ts'
import type { RandomPool } from './random-pool.ts'
import {
  AT,
  KEY_BYTES,
  QUEUE_KIND,
  SECOND_MAX,
  closeSlot,
  mayBeTaken,
  readKind,
  slotState,
  writeKind,
} from './slot.ts'
import type { MessageKind } from './slot.ts'
import { NONE, SLAB_SLOTS } from './slot-table.ts'
import type { SlotTable } from './slot-table.ts'
import { UUID_BYTES, isCanonicalUuid, isSameUuid, readUuid, writeUuid } from './uuid.ts'

/** From a shredding until nothing of its keys is left in the memory of native code. */
const FORGET_MS = 5_000

/** What the keyring needs of the file beneath it. */
export interface SlotWriter extends AsyncDisposable {
  readonly failure: KeyringError | undefined
  /** It changed. `isUrgent`: what was there must go, whoever else would share the sync. */
  mark(slot: number, isUrgent?: boolean): void
  synced(): Promise<number>
}

export interface SlotKeyringOptions {
  readonly epoch: number
  readonly keyringId: string
  readonly table: SlotTable
  readonly writer: SlotWriter
  readonly pool: RandomPool
  readonly clock: Clock
}

class Queue implements QueueHandle {
  readonly handle: string
  readonly account: string
  readonly device: string
  readonly slot: number
  count = 0
  bytes = 0
  lastSeq = 0
  first = NONE
  last = NONE

  constructor(slot: number, handle: string, account: string, device: string) {
    this.slot = slot
    this.handle = handle
    this.account = account
    this.device = device
  }
}

/** The keyring over a table of slots. A queue is known by the number of its slot. */
export class SlotKeyring implements Keyring {
  readonly epoch: number
  readonly keyringId: string
  readonly #table: SlotTable
  readonly #writer: SlotWriter
  readonly #pool: RandomPool
  readonly #clock: Clock
  readonly #sealer = new Sealer()
  readonly #index: IdIndex
  readonly #heap: DueHeap
  readonly #queues = new Map<number, Queue>()
  readonly #byAccount = new Map<string, Queue[]>()
  readonly #id = Buffer.alloc(UUID_BYTES)
  #forgetting: Disposable | undefined
  #closed = false

  constructor(options: SlotKeyringOptions) {
    const { table } = options
    this.epoch = options.epoch
    this.keyringId = options.keyringId
    this.#table = table
    this.#writer = options.writer
    this.#pool = options.pool
    this.#clock = options.clock
    this.#index = new IdIndex(
      (slot) => table.slabOf(slot).readUInt32BE(table.offsetOf(slot)),
      (slot, bytes, offset) => isSameUuid(table.slabOf(slot), table.offsetOf(slot), bytes, offset),
    )
    this.#heap = new DueHeap((slot) => table.slabOf(slot).readUInt32BE(table.offsetOf(slot) + AT.due))
    this.#load()
  }

  get size(): number {
    return this.#index.size
  }

  get available(): boolean {
    return !this.#closed && this.#writer.failure === undefined
  }

  queue(account: string, device: string): QueueHandle {
    const known = this.findQueue(account, device)
    if (known !== undefined) return known
    this.#assertWritable()
    // Another spelling would be another queue in memory, and the same one on disk.
    assert.ok(
      isCanonicalUuid(account) && isCanonicalUuid(device),
      'account and device are UUIDs in lower case',
    )
    const slot = this.#allocate()
    const [slab, offset] = this.#at(slot)
    this.#drawUuid(slab, offset)
    writeUuid(account, slab, offset + AT.account)
    writeUuid(device, slab, offset + AT.device)
    slab[offset + AT.kind] = QUEUE_KIND
    closeSlot(slab, offset)
    this.#writer.mark(slot)
    return this.#addQueue(slot)
  }

  findQueue(account: string, device: string): QueueHandle | undefined {
    return this.#byAccount.get(account)?.find((queue) => queue.device === device)
  }

  queuesOf(account: string): QueueHandle[] {
    return [...(this.#byAccount.get(account) ?? [])]
  }

  queues(): Iterable<QueueHandle> {
    return this.#queues.values()
  }

  messages(handle: QueueHandle, afterSeq = 0, limit = Number.POSITIVE_INFINITY): QueuedMessage[] {
    const { next, seq } = this.#table.columns
    const found: QueuedMessage[] = []
    let slot = this.#known(handle)?.first ?? NONE
    while (slot !== NONE && found.length < limit) {
      if ((seq[slot] ?? 0) > afterSeq) found.push(this.#describe(slot))
      slot = next[slot] ?? NONE
    }
    return found
  }

  oldest(handle: QueueHandle): number | undefined {
    const first = this.#known(handle)?.first ?? NONE
    if (first === NONE) return undefined
    const [slab, offset] = this.#at(first)
    return slab.readUInt32BE(offset + AT.sealed)
  }

  seal(handle: QueueHandle, seq: number, plaintext: Buffer, due: number, kind: MessageKind): Sealed {
    this.#assertWritable()
    const queue = this.#known(handle)
    assert.ok(queue !== undefined && seq > queue.lastSeq, 'a live queue and a rising sequence number')
    const sizeClass = sizeClassOf(plaintext.length)
    const slot = this.#allocate()
    const [slab, offset] = this.#at(slot)
    this.#drawUuid(slab, offset)
    this.#pool.fill(slab, offset + AT.key, KEY_BYTES)
    slab.writeUInt32BE(second(due), offset + AT.due)
    slab.writeUInt32BE(second(Math.floor(this.#clock.now() / 1000)), offset + AT.sealed)
    writeKind(slab, offset, kind)
    closeSlot(slab, offset)
    this.#writer.mark(slot)
    this.#index.add(slot)
    this.#heap.add(slot)
    this.#link(queue, slot, seq, sizeClass)
    const id = readUuid(slab, offset)
    const blob = this.#sealer.seal(keyAt(slab, offset), { id, handle: queue.handle, seq }, plaintext)
    return { id, blob, sizeClass }
  }

  open(id: string, queue: QueueHandle, seq: number, blob: Buffer): Buffer | undefined {
    const slot = this.#find(id)
    if (slot === undefined) return undefined
    const [slab, offset] = this.#at(slot)
    return this.#sealer.open(keyAt(slab, offset), { id, handle: queue.handle, seq }, blob)
  }

  shred(ids: Iterable<string>): number {
    if (this.#closed) throw new KeyringError('KEYRING_CLOSED')
    let count = 0
    for (const id of ids) {
      const slot = this.#find(id)
      if (slot === undefined) continue
      this.#shredSlot(slot)
      count += 1
    }
    if (count > 0) this.#forgetSoon()
    return count
  }

  /**
   * Node gives OpenSSL keys in objects whose copy is wiped when they are collected: where little happens, that would be much later. None is used for longer than a call
   * (envelope.ts), so all are among the young.
   */
  #forgetSoon(): void {
    this.#forgetting ??= this.#clock.after(FORGET_MS, () => {
      this.#forgetting = undefined
      collectYoung()
    })
  }

  drain(handle: QueueHandle): void {
    const queue = this.#known(handle)
    if (queue === undefined) return
    assert.equal(queue.count, 0, 'only an empty queue is drained')
    this.#queues.delete(queue.slot)
    const others = this.#byAccount.get(queue.account)?.filter((other) => other !== queue) ?? []
    if (others.length > 0) this.#byAccount.set(queue.account, others)
    else this.#byAccount.delete(queue.account)
    this.#erase(queue.slot)
    this.#table.release(queue.slot)
  }

  due(
    limitSecond: number,
    limit = 1000,
  ): { id: string; kind: MessageKind; queue: QueueHandle | undefined }[] {
    return this.#heap.until(limitSecond, limit).map((slot) => {
      const [slab, offset] = this.#at(slot)
      const queue = this.#queues.get(this.#table.columns.queue[slot] ?? NONE)
      return { id: readUuid(slab, offset), kind: readKind(slab, offset), queue }
    })
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined
  }

  queueOf(id: string): QueueHandle | undefined {
    const slot = this.#find(id)
    return slot === undefined ? undefined : this.#queues.get(this.#table.columns.queue[slot] ?? NONE)
  }

  synced(): Promise<number> {
    return this.#writer.synced()
  }

  reconcile(): Reconciliation {
    const byHandle = new Map<string, Queue>()
    for (const queue of this.#queues.values()) {
      writeUuid(queue.handle, this.#id, 0)
      byHandle.set(this.#id.toString('latin1'), queue)
    }
    const rows = new Map<Queue, number[]>()
    const row = (packed: Buffer, at: number): boolean => {
      const { seq, sizeClass } = readPackedRow(packed, at)
      const slot = this.#index.find(packed, at)
      const queue = byHandle.get(packedHandle(packed, at))
      if (queue !== undefined) queue.lastSeq = Math.max(queue.lastSeq, seq)
      if (slot === undefined || queue === undefined) return false
      this.#table.columns.seq[slot] = seq
      this.#table.columns.sizeClass[slot] = sizeClass
      this.#table.columns.queue[slot] = queue.slot
      const slots = rows.get(queue)
      if (slots === undefined) rows.set(queue, [slot])
      else slots.push(slot)
      return true
    }
    return {
      rows: (packed) => {
        const gone: string[] = []
        for (let at = 0; at < packed.length; at += PACKED_ROW_BYTES)
          if (!row(packed, at)) gone.push(readUuid(packed, at))
        return gone
      },
      finish: () => this.#finish(rows),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#forgetting?.[Symbol.dispose]()
    try {
      await this.#writer[Symbol.asyncDispose]()
    } finally {
      this.#table.wipeAll()
      this.#pool.wipe()
    }
  }

  /** Takes up what the file holds; wipes torn slots. */
  #load(): void {
    const end = this.#table.slabCount * SLAB_SLOTS
    this.#index.reserve(this.#countTaken(end))
    for (let slot = end - 1; slot >= 0; slot--) {
      const [slab, offset] = this.#at(slot)
      const state = slotState(slab, offset)
      const taken = state === 'message' ? this.#loadMessage(slot) : state === 'queue' && this.#loadQueue(slot)
      if (taken) continue
      if (state !== 'free') this.#erase(slot)
      this.#table.release(slot)
    }
  }

  #countTaken(end: number): number {
    let count = 0
    for (let slot = 0; slot < end; slot++) if (mayBeTaken(...this.#at(slot))) count += 1
    return count
  }

  #loadMessage(slot: number): boolean {
    const [slab, offset] = this.#at(slot)
    if (this.#index.find(slab, offset) !== undefined) return false
    this.#index.add(slot)
    this.#heap.add(slot)
    return true
  }

  /**
   * A device has two queue slots only when a crash left a drained one beside its successor. They were to be written in one round, or in
   * rounds of which the later holds only if the earlier does, so nothing relies on either: all messages of the one were shredded, none of the other was safe.
   */
  #loadQueue(slot: number): boolean {
    const [slab, offset] = this.#at(slot)
    const account = readUuid(slab, offset + AT.account)
    if (this.findQueue(account, readUuid(slab, offset + AT.device)) !== undefined) return false
    this.#addQueue(slot)
    return true
  }

  #finish(rows: Map<Queue, number[]>): { messages: number; queues: number } {
    const { seq, queue: queueOf, sizeClass } = this.#table.columns
    for (const [queue, slots] of rows) {
      const last = queue.lastSeq
      slots.sort((a, b) => (seq[a] ?? 0) - (seq[b] ?? 0))
      for (const slot of slots) this.#link(queue, slot, seq[slot] ?? 0, sizeClass[slot] ?? 0)
      queue.lastSeq = last
    }
    const orphans = this.#heap.until(SECOND_MAX, this.size).filter((slot) => queueOf[slot] === NONE)
    for (const slot of orphans) this.#shredSlot(slot)
    const empty = [...this.#queues.values()].filter((queue) => queue.count === 0)
    for (const queue of empty) this.drain(queue)
    return { messages: orphans.length, queues: empty.length }
  }

  #addQueue(slot: number): Queue {
    const [slab, offset] = this.#at(slot)
    const account = readUuid(slab, offset + AT.account)
    const queue = new Queue(slot, readUuid(slab, offset), account, readUuid(slab, offset + AT.device))
    this.#queues.set(slot, queue)
    const others = this.#byAccount.get(account)
    if (others === undefined) this.#byAccount.set(account, [queue])
    else others.push(queue)
    return queue
  }

  #link(queue: Queue, slot: number, seq: number, sizeClass: number): void {
    const columns = this.#table.columns
    columns.queue[slot] = queue.slot
    columns.seq[slot] = seq
    columns.sizeClass[slot] = sizeClass
    columns.previous[slot] = queue.last
    columns.next[slot] = NONE
    if (queue.last === NONE) queue.first = slot
    else columns.next[queue.last] = slot
    queue.last = slot
    queue.lastSeq = seq
    queue.count += 1
    queue.bytes += classBytes(sizeClass)
  }

  #unlink(slot: number): void {
    const columns = this.#table.columns
    const queue = this.#queues.get(columns.queue[slot] ?? NONE)
    columns.queue[slot] = NONE
    if (queue === undefined) return
    const next = columns.next[slot] ?? NONE
    const previous = columns.previous[slot] ?? NONE
    if (previous === NONE) queue.first = next
    else columns.next[previous] = next
    if (next === NONE) queue.last = previous
    else columns.previous[next] = previous
    queue.count -= 1
    queue.bytes -= classBytes(columns.sizeClass[slot] ?? 0)
  }

  #shredSlot(slot: number): void {
    this.#unlink(slot)
    this.#heap.remove(slot)
    this.#index.remove(slot)
    this.#erase(slot)
    this.#table.release(slot)
  }

  #erase(slot: number): void {
    this.#table.wipe(slot)
    this.#writer.mark(slot, true)
  }

  #find(id: string): number | undefined {
    writeUuid(id, this.#id, 0)
    return this.#index.find(this.#id, 0)
  }

  #known(handle: QueueHandle): Queue | undefined {
    if (!(handle instanceof Queue)) return undefined
    return this.#queues.get(handle.slot) === handle ? handle : undefined
  }

  #allocate(): number {
    const slot = this.#table.allocate()
    if (slot === undefined) throw new KeyringError('KEYRING_FULL')
    return slot
  }

  #drawUuid(slab: Buffer, offset: number): void {
    this.#pool.fill(slab, offset, UUID_BYTES)
    slab[offset + 6] = ((slab[offset + 6] ?? 0) & 0x0f) | 0x40 // RFC 9562 §5.4: version 4
    slab[offset + 8] = ((slab[offset + 8] ?? 0) & 0x3f) | 0x80
  }

  #describe(slot: number): QueuedMessage {
    const { seq, sizeClass } = this.#table.columns
    const [slab, offset] = this.#at(slot)
    return {
      id: readUuid(slab, offset),
      seq: seq[slot] ?? 0,
      kind: readKind(slab, offset),
      bytes: classBytes(sizeClass[slot] ?? 0),
      due: slab.readUInt32BE(offset + AT.due),
      sealed: slab.readUInt32BE(offset + AT.sealed),
    }
  }

  #at(slot: number): [slab: Buffer, offset: number] {
    return [this.#table.slabOf(slot), this.#table.offsetOf(slot)]
  }

  #assertWritable(): void {
    if (this.#closed) throw new KeyringError('KEYRING_CLOSED')
    const { failure } = this.#writer
    if (failure !== undefined) throw failure
  }
}

function keyAt(slab: Buffer, offset: number): Buffer {
  return slab.subarray(offset + AT.key, offset + AT.key + KEY_BYTES)
}

function second(value: number): number {
  return Math.min(Math.max(0, Math.ceil(value)), SECOND_MAX)
}
