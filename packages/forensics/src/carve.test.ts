import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { Carver } from './carve.ts'

/** A mail as it lies in a page or a log: id, handle, sequence number, the blob of its key with its length before it, and what stands behind. */
function mail(rest: Buffer, head = randomBytes(32), blob = randomBytes(256)): Buffer {
  const seq = Buffer.alloc(8)
  seq.writeBigUInt64LE(7n)
  const length = Buffer.alloc(4)
  length.writeUInt32LE((blob.length + 4) << 2)
  return Buffer.concat([head, seq, length, blob, rest])
}

test('of a row that was found in parts each copy counts: what is missing from one may stand in another', () => {
  const [head, blob] = [randomBytes(32), randomBytes(256)]
  const [broken, whole] = [randomBytes(4_096), randomBytes(4_096)]
  const carver = new Carver()
  for (const rest of [broken, whole, broken]) carver.search(mail(rest, head, blob))
  const [copies = [], ...others] = carver.rows.values()
  expect(others).toEqual([])
  expect(copies.map(({ rest }) => rest)).toEqual([broken, whole])
  expect(copies.every((copy) => carver.blobOf(copy)?.equals(blob))).toBe(true)
})

test('copies are bounded, rows are not', () => {
  const [head, blob] = [randomBytes(32), randomBytes(256)]
  const carver = new Carver()
  for (let copy = 0; copy < 40; copy++) carver.search(mail(randomBytes(4_096), head, blob))
  for (let row = 0; row < 40; row++) carver.search(mail(randomBytes(10)))
  expect(carver.rows.size).toBe(41)
  expect([...carver.rows.values()].flat()).toHaveLength(16 + 40)
})
