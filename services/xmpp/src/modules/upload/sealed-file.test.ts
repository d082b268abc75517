import { randomBytes } from 'node:crypto'
import { systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { CHUNK_BYTES, FileSealer, openChunk, placeOf } from './sealed-file.ts'
import { decodeUpload, encodeUpload } from './upload-record.ts'

/** Sealed in pieces of these sizes. */
function seal(key: Buffer, bytes: Buffer, sizes: readonly number[]): Buffer {
  const sealer = new FileSealer(key)
  const sealed: Buffer[] = []
  for (let from = 0, turn = 0; from < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1
    sealed.push(...sealer.seal(bytes.subarray(from, from + size)))
    from += size
  }
  return Buffer.concat([...sealed, ...sealer.end()])
}

test.each([1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
  'each chunk of %i bytes is opened by itself, however the bytes came',
  (length) => {
    const key = randomBytes(32)
    const bytes = randomBytes(length)
    const sealed = seal(key, bytes, [65_536, 1, 300_000])
    expect(seal(key, bytes, [CHUNK_BYTES]).equals(sealed)).toBe(true)
    const opened: Buffer[] = []
    for (let index = 0; index * CHUNK_BYTES < length; index += 1) {
      const { position, length: chunk } = placeOf(index, length)
      opened.push(openChunk(key, index, sealed.subarray(position, position + chunk)))
    }
    expect(Buffer.concat(opened).equals(bytes)).toBe(true)
  },
)

test('a chunk that was changed, cut short, or moved is not opened, nor one under another key', () => {
  const key = randomBytes(32)
  const sealed = seal(key, randomBytes(100), [100])
  const changed = Buffer.from(sealed)
  changed[50] = (changed[50] ?? 0) ^ 1
  const open = (bytes: Buffer, index = 0, under = key) => openChunk(under, index, bytes)
  expect(open(sealed)).toHaveLength(100)
  expect(() => open(changed)).toThrow()
  expect(() => open(sealed.subarray(0, -1))).toThrow()
  expect(() => open(Buffer.alloc(0))).toThrow()
  expect(() => open(sealed, 1)).toThrow()
  expect(() => open(sealed, 0, randomBytes(32))).toThrow()
})

test('a record is read as it was written; what is no record is none', () => {
  const record = {
    accountId: systemRandom.uuid(),
    file: systemRandom.uuid(),
    key: randomBytes(32),
    addressHash: randomBytes(32),
    ownerHash: randomBytes(32),
    bytes: 2 ** 40,
    acceptedAt: 1_800_000_000,
    due: 1_800_086_400,
    fetchesLeft: 3,
  }
  const bytes = encodeUpload(record)
  expect(decodeUpload(bytes)).toEqual(record)
  expect(decodeUpload(encodeUpload({ ...record, fetchesLeft: undefined }))?.fetchesLeft).toBe(undefined)
  expect(decodeUpload(bytes.subarray(1))).toBe(undefined)
  expect(decodeUpload(Buffer.alloc(bytes.length))).toBe(undefined)
})
