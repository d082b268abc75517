/** RFC 9580 §5.2.3, RFC 9980 §5.2, §6.1: the numbers of a signature, by algorithm. */
import type { Field } from './algorithm.ts'
import { splitFields } from './fields.ts'

const FIELDS: ReadonlyMap<number, readonly Field[]> = new Map<number, Field[]>([
  [1, ['mpi']],
  [3, ['mpi']],
  [17, ['mpi', 'mpi']],
  [19, ['mpi', 'mpi']],
  [22, ['mpi', 'mpi']],
  [27, [64]],
  [28, [114]],
  [30, [64, 3309]],
  [31, [114, 4627]],
  [32, [7856]],
  [33, [17_088]],
  [34, [29_792]],
])

interface Material {
  readonly keyAlgorithm: number
  readonly material: Buffer
}

/** Undefined for an algorithm that we do not know, and when the fields do not fill the packet exactly. */
export function splitMaterial({ keyAlgorithm, material }: Material): readonly Buffer[] | undefined {
  const fields = FIELDS.get(keyAlgorithm)
  return fields && splitFields(material, 0, fields)
}

/** The same numbers, with each count of bits as RFC 9580 §3.2 has it: some readers refuse others. */
export function canonicalMaterial(signature: Material): Buffer {
  const values = splitMaterial(signature)
  if (values === undefined || FIELDS.get(signature.keyAlgorithm)?.[0] !== 'mpi') return signature.material
  return Buffer.concat(values.map(frameMpi))
}

/** RFC 9580 §3.2 */
export function frameMpi(value: Buffer): Buffer {
  const first = value.findIndex((byte) => byte !== 0)
  if (first < 0) return Buffer.from([0, 0])
  const bits = (value.length - first) * 8 - Math.clz32(value[first] ?? 0) + 24
  return Buffer.concat([Buffer.from([bits >> 8, bits & 0xff]), value.subarray(first)])
}
