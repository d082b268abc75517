/** The pieces: formats against mutation, indexes against plain collections. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DueHeap } from './due-heap.ts'
import { coalesce } from './file-writer.ts'
import { HEADER_BYTES, decodeHeader, encodeHeader } from './header.ts'
import { IdIndex } from './id-index.ts'
import { SLOT_BYTES, closeSlot, slotState, writeKind } from './slot.ts'
import { readUuid, writeUuid } from './uuid.ts'

const BUDGET = { interruptAfterTimeLimit: 3000, markInterruptAsFailure: false }

test('a slot with any byte changed is torn, and zeros are free', () => {
  const bytes = fc.uint8Array({ minLength: 56, maxLength: 56 })
  fc.assert(
    fc.property(bytes, fc.nat(SLOT_BYTES - 1), fc.integer({ min: 1, max: 255 }), (content, at, change) => {
      const slot = Buffer.alloc(SLOT_BYTES)
      slot.set(content)
      writeKind(slot, 0, 'call')
      closeSlot(slot, 0)
      expect(slotState(slot, 0)).toBe('message')
      slot[at] = (slot[at] ?? 0) ^ change
      expect(slotState(slot, 0)).toBe('torn')
      expect(slotState(slot.fill(0), 0)).toBe('free')
    }),
    BUDGET,
  )
})

test('any bytes decode to some state and no exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: SLOT_BYTES, maxLength: SLOT_BYTES }), (content) => {
      expect(['free', 'torn']).toContain(slotState(Buffer.from(content), 0))
    }),
    BUDGET,
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: HEADER_BYTES }), (content) => {
      expect(decodeHeader(Buffer.from(content))).toBeUndefined()
    }),
    BUDGET,
  )
})

test('of two headers the later counts, and a torn one leaves the other', () => {
  const header = {
    instanceId: '11111111-1111-4111-8111-111111111111',
    keyringId: '22222222-2222-4222-8222-222222222222',
  }
  const page = Buffer.alloc(HEADER_BYTES)
  for (const epoch of [6, 7]) {
    const { position, bytes } = encodeHeader({ ...header, epoch })
    bytes.copy(page, position)
  }
  expect(decodeHeader(page)).toEqual({ ...header, epoch: 7 })
  const torn = encodeHeader({ ...header, epoch: 7 }).position + 50
  page[torn] = 99
  expect(decodeHeader(page)).toEqual({ ...header, epoch: 6 })
})

test('UUIDs are written and read, and nothing else is taken', () => {
  fc.assert(
    fc.property(fc.uuid(), (text) => {
      const target = Buffer.alloc(20)
      writeUuid(text.toUpperCase(), target, 3)
      expect(readUuid(target, 3)).toBe(text)
    }),
    BUDGET,
  )
  for (const text of ['', 'g'.repeat(36), '11111111-1111-4111-8111-11111111111'])
    expect(() => writeUuid(text, Buffer.alloc(16), 0)).toThrow()
})

test('the heap of due seconds agrees with a sorted list', () => {
  const operation = fc.oneof(
    fc.record({ add: fc.nat(1000) }),
    fc.record({ remove: fc.nat() }),
    fc.record({ until: fc.nat(1000) }),
  )
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 300, size: 'max' }), (operations) => {
      const due: number[] = []
      const live = new Set<number>()
      const heap = new DueHeap((slot) => due[slot] ?? 0)
      for (const each of operations) {
        if ('add' in each) {
          live.add(due.length)
          heap.add(due.push(each.add) - 1)
        } else if ('remove' in each) {
          const slot = each.remove % Math.max(1, due.length)
          live.delete(slot)
          heap.remove(slot)
        } else {
          const expected = [...live].filter((slot) => (due[slot] ?? 0) <= each.until)
          expect(new Set(heap.until(each.until, Infinity))).toEqual(new Set(expected))
          expect(heap.until(each.until, 3)).toHaveLength(Math.min(3, expected.length))
        }
        expect(heap.size).toBe(live.size)
      }
    }),
    BUDGET,
  )
})

test('the index of ids agrees with a map, even when all ids begin alike', () => {
  const operation = fc.tuple(fc.boolean(), fc.nat(60))
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400, size: 'max' }), fc.nat(7), (operations, spread) => {
      const ids: Buffer[] = Array.from({ length: 61 }, (_, slot) => {
        const id = Buffer.alloc(16)
        id.writeUInt32BE(slot % (spread + 1), 0)
        id.writeUInt32BE(slot, 12)
        return id
      })
      const idOf = (slot: number): Buffer => ids[slot] ?? Buffer.alloc(16)
      const index = new IdIndex(
        (slot) => idOf(slot).readUInt32BE(0),
        (slot, id) => id.equals(idOf(slot)),
      )
      const live = new Set<number>()
      for (const [add, slot] of operations) {
        if (add === live.has(slot)) continue
        if (add) live.add(slot)
        else live.delete(slot)
        if (add) index.add(slot)
        else index.remove(slot)
        expect(index.size).toBe(live.size)
        for (const each of ids.keys())
          expect(index.find(idOf(each), 0)).toBe(live.has(each) ? each : undefined)
      }
    }),
    { ...BUDGET, numRuns: 40 },
  )
})

test('runs cover the changed slots, stay within a slab and bridge small gaps', () => {
  expect(coalesce(Uint32Array.of())).toEqual([])
  expect(coalesce(Uint32Array.of(1, 2, 66, 131, 16_383, 16_384))).toEqual([
    [1, 66],
    [131, 131],
    [16_383, 16_383],
    [16_384, 16_384],
  ])
})
