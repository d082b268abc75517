import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextRuns } from './text-runs.ts'

test('wherever a piece lies in memory, the place is that of the first byte up to CR', () => {
  const byte = fc.oneof({ weight: 20, arbitrary: fc.integer({ min: 14, max: 255 }) }, fc.nat(13))
  const bytes = fc.array(byte, { maxLength: 40 })
  fc.assert(
    fc.property(bytes, fc.nat(7), fc.nat(40), (content, offset, from) => {
      const around = Buffer.alloc(offset + content.length + 5)
      around.set(content, offset)
      const piece = around.subarray(offset, offset + content.length)
      const start = Math.min(from, piece.length)
      const found = piece.findIndex((each, place) => place >= start && each <= 13)
      expect(new TextRuns(piece).endOf(start)).toBe(found === -1 ? piece.length : found)
    }),
    { numRuns: 5_000 },
  )
})
