/**
 * The canonical order of signatures and components, which does not depend on the order of uploads nor on the time; and what is kept of them. Revocations
 * have a place of their own, hard ones first and the oldest of those before all, so that nothing that comes later can push them out.
 */
import { SubpacketType } from './subpacket.ts'
import { isHashBased } from './algorithm.ts'
import { hashedSubpacket } from './signature.ts'
import type { Signature } from './signature.ts'
import { isRevocation } from './verifier.ts'

/** RFC 9580 §5.2.3.31: superseded, retired, user id no longer valid. Every other reason, and none, means that the key may be in other hands. */
const SOFT_REASONS: ReadonlySet<number> = new Set([1, 3, 32])

/** Whether a revocation holds for all time, also for what was signed before it. */
export function isHard(revocation: Signature): boolean {
  const reason = hashedSubpacket(revocation, SubpacketType.revocationReason)?.[0]
  return reason === undefined || !SOFT_REASONS.has(reason)
}

const createdOf = ({ created = 0 }: Signature): number => created

export function newestFirst(a: Signature, b: Signature): number {
  return createdOf(b) - createdOf(a) || a.packet.body.compare(b.packet.body)
}

function revocationsFirst(a: Signature, b: Signature): number {
  const [hardA, hardB] = [isHard(a), isHard(b)]
  if (hardA !== hardB) return hardA ? -1 : 1
  return hardA ? createdOf(a) - createdOf(b) || a.packet.body.compare(b.packet.body) : newestFirst(a, b)
}

export interface Partition {
  /** In the order in which they are tried and kept. */
  readonly revocations: readonly Signature[]
  readonly selfSignatures: readonly Signature[]
}

export function partition(signatures: readonly Signature[]): Partition {
  return {
    revocations: signatures.filter(isRevocation).sort(revocationsFirst),
    selfSignatures: signatures.filter((each) => !isRevocation(each)).sort(newestFirst),
  }
}

/** How many signatures of one kind are kept of a component: RFC 9980's hash-based ones are so large that only one is. */
export function keptOf(algorithm: number, selfSignaturesMax: number): number {
  return isHashBased(algorithm) ? 1 : selfSignaturesMax
}
