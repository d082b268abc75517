/** RFC 9580 §3.2: cutting a body into the fields of its algorithm. */
import type { Field } from './algorithm.ts'

/** Contents of one field and where the next one begins; the number of an MPI is its bytes without the count of bits. */
function readField(body: Buffer, offset: number, field: Field): { value: Buffer; end: number } | undefined {
  let start = offset
  let bytes: number
  if (typeof field === 'number') bytes = field
  else if (field === 'counted') {
    bytes = body[offset] ?? 0
    start += 1
    if (bytes === 0 || bytes === 255) return undefined // RFC 9580 §9.2: reserved
  } else {
    if (offset + 2 > body.length) return undefined
    bytes = Math.ceil(body.readUInt16BE(offset) / 8)
    start += 2
    if (bytes === 0) return undefined
  }
  const end = start + bytes
  return end > body.length ? undefined : { value: body.subarray(start, end), end }
}

/** The fields, if they fill `body` from `offset` to its last byte. */
export function splitFields(body: Buffer, offset: number, fields: readonly Field[]): Buffer[] | undefined {
  const values: Buffer[] = []
  let position = offset
  for (const field of fields) {
    const read = readField(body, position, field)
    if (read === undefined) return undefined
    values.push(read.value)
    position = read.end
  }
  return position === body.length ? values : undefined
}

/** A number in exactly `bytes` bytes; undefined when it does not fit. */
export function padLeft(value: Buffer, bytes: number): Buffer | undefined {
  if (value.length === bytes) return value
  if (value.length > bytes) return undefined
  return Buffer.concat([Buffer.alloc(bytes - value.length), value])
}

export function bitLength(value: Buffer): number {
  const first = value.findIndex((byte) => byte !== 0)
  return first < 0 ? 0 : (value.length - first) * 8 - Math.clz32(value[first] ?? 0) + 24
}
