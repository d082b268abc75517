import { assert } from '@sealpost/errors'
import { SLOT_BYTES } from './slot.ts'

/** Slots that are added to memory and file at a time. */
export const SLAB_SLOTS = 16_384
export const SLAB_BYTES = SLAB_SLOTS * SLOT_BYTES
const SLAB_SHIFT = 14

/** No slot. */
export const NONE = -1

/** What memory knows of a message besides its slot, one typed array for each fact. */
interface Columns {
  /** The slot of the queue, NONE while no queue is known. */
  queue: Int32Array
  /** Neighbours in the queue, in the order of `seq`; `next` also links the free slots. */
  next: Int32Array
  previous: Int32Array
  seq: Float64Array
  sizeClass: Uint8Array
}

/**
 * The slots in memory, byte for byte as in the file, and beside them the columns above. Slabs never move, so that no key is copied
 * when the table grows.
 */
export class SlotTable {
  readonly #slabs: Buffer[] = []
  readonly #slabsMax: number
  #columns = columns(0)
  #free = NONE

  /** At most `slotsMax` slots, rounded up to whole slabs. */
  constructor(slotsMax: number) {
    this.#slabsMax = Math.ceil(slotsMax / SLAB_SLOTS)
  }

  get columns(): Columns {
    return this.#columns
  }

  get slabCount(): number {
    return this.#slabs.length
  }

  /** All slots of one slab. */
  slab(index: number): Buffer {
    const slab = this.#slabs[index]
    assert.ok(slab !== undefined, 'a slab of the table')
    return slab
  }

  slabOf(slot: number): Buffer {
    return this.slab(slot >>> SLAB_SHIFT)
  }

  offsetOf(slot: number): number {
    return (slot & (SLAB_SLOTS - 1)) * SLOT_BYTES
  }

  /** A free slot, all zeros; undefined when the table is full. Freed slots first, the last freed one before the others. */
  allocate(): number | undefined {
    if (this.#free === NONE && !this.#grow()) return undefined
    const slot = this.#free
    this.#free = this.#columns.next[slot] ?? NONE
    this.#columns.next[slot] = NONE
    return slot
  }

  /** Overwrites the slot with zeros. */
  wipe(slot: number): void {
    const offset = this.offsetOf(slot)
    this.slabOf(slot).fill(0, offset, offset + SLOT_BYTES)
  }

  /** Makes a wiped slot available again. */
  release(slot: number): void {
    this.#columns.next[slot] = this.#free
    this.#free = slot
  }

  /** Takes a slab as it is in the file. Its slots are not free until released. */
  adopt(slab: Buffer): void {
    assert.equal(slab.length, SLAB_BYTES)
    this.#slabs.push(slab)
    this.#columns = columns(this.#slabs.length * SLAB_SLOTS, this.#columns)
  }

  wipeAll(): void {
    for (const slab of this.#slabs) slab.fill(0)
  }

  #grow(): boolean {
    if (this.#slabs.length >= this.#slabsMax) return false
    this.adopt(Buffer.alloc(SLAB_BYTES))
    const end = this.#slabs.length * SLAB_SLOTS
    // Backwards, so that they are handed out in file order and adjacent writes coalesce.
    for (let slot = end - 1; slot >= end - SLAB_SLOTS; slot--) this.release(slot)
    return true
  }
}

/** Columns for at least `slots` slots, a half more than asked for so that growing stays cheap. */
function columns(slots: number, old?: Columns): Columns {
  if (old !== undefined && old.queue.length >= slots) return old
  const capacity = old === undefined ? slots : Math.ceil((slots * 3) / 2)
  const larger: Columns = {
    queue: new Int32Array(capacity).fill(NONE),
    next: new Int32Array(capacity).fill(NONE),
    previous: new Int32Array(capacity).fill(NONE),
    seq: new Float64Array(capacity),
    sizeClass: new Uint8Array(capacity),
  }
  if (old === undefined) return larger
  larger.queue.set(old.queue)
  larger.next.set(old.next)
  larger.previous.set(old.previous)
  larger.seq.set(old.seq)
  larger.sizeClass.set(old.sizeClass)
  return larger
}
