/** RFC 9562 §4: the 16 bytes of a UUID and its canonical lower-case text. */
import { assert } from '@sealpost/errors'

export const UUID_BYTES = 16

/** Offsets of the 16 pairs of hexadecimal digits in the text. */
const PAIRS = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const

export function isCanonicalUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
}

/** Writes the UUID's bytes at `offset`. Text that is no UUID is the caller's bug. */
export function writeUuid(text: string, target: Uint8Array, offset: number): void {
  assert.equal(text.length, 36, 'a UUID has 36 characters')
  for (let index = 0; index < UUID_BYTES; index++) {
    const at = PAIRS[index] ?? 0
    target[offset + index] = (digit(text.charCodeAt(at)) << 4) | digit(text.charCodeAt(at + 1))
  }
}

export function readUuid(source: Buffer, offset: number): string {
  const hex = source.toString('hex', offset, offset + UUID_BYTES)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

export function isSameUuid(a: Buffer, offsetA: number, b: Buffer, offsetB: number): boolean {
  for (let index = 0; index < UUID_BYTES; index += 4)
    if (a.readInt32LE(offsetA + index) !== b.readInt32LE(offsetB + index)) return false
  return true
}

function digit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const letter = code | 32
  assert.ok(letter >= 97 && letter <= 102, 'a UUID is made of hexadecimal digits')
  return letter - 87
}
