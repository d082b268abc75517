/** What the audit log says of one action, and how its entries are chained. */
import { createHash } from 'node:crypto'

/** Who acted. `owner`: on the host of the server; `system`: a task of the server itself. */
export interface AuditActor {
  readonly kind: 'owner' | 'administrator' | 'key' | 'system'
  readonly id?: string | undefined
  /** Whose administrator or key it is; undefined: the server's own. */
  readonly organisationId?: string | undefined
}

/** What was acted upon, by its id: never by a name or address of a person. */
export interface AuditTarget {
  readonly kind: string
  readonly id: string
}

export type AuditPhase = 'begun' | 'done' | 'refused'

/** Fields that may be kept: no secret, and nothing that identifies a person. */
export type AuditDetails = Readonly<Record<string, unknown>>

/** What an entry says, before it has a place in the chain. */
export interface AuditStatement {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly actor: AuditActor
  readonly action: string
  readonly target: AuditTarget | undefined
  readonly reason: string | undefined
  readonly phase: AuditPhase
  /** The entry that this one ends. */
  readonly begun: number | undefined
  /** JSON. */
  readonly details: string
}

export interface AuditEntry extends AuditStatement {
  /** From 1, without gaps. */
  readonly seq: number
  readonly previousHash: Buffer
  readonly hash: Buffer
}

/** Before the first entry. */
export const NO_HASH: Buffer = Buffer.alloc(32)

/** SHA-256 of the hash before and of all that the entry says, as a JSON array in this order. */
export function hashEntry(seq: number, previousHash: Buffer, said: AuditStatement): Buffer {
  const { at, actor, action, target, reason, phase, begun, details } = said
  const text = JSON.stringify([
    seq,
    at,
    actor.kind,
    actor.id ?? null,
    actor.organisationId ?? null,
    action,
    target?.kind ?? null,
    target?.id ?? null,
    reason ?? null,
    phase,
    begun ?? null,
    details,
  ])
  return createHash('sha256').update(previousHash).update(text).digest()
}

/** The entry that says this after `last`. */
export function chain(last: Pick<AuditEntry, 'seq' | 'hash'> | undefined, said: AuditStatement): AuditEntry {
  const seq = (last?.seq ?? 0) + 1
  const previousHash = last?.hash ?? NO_HASH
  return { ...said, seq, previousHash, hash: hashEntry(seq, previousHash, said) }
}
