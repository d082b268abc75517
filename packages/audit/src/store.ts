/** Where entries lie. Retention: for ever. One contract: store.test.ts. */
import type { AuditEntry, AuditStatement } from './entry.ts'

export interface AuditQuery {
  /** Entries before this one, the newest first; undefined: from the newest on. */
  readonly before?: number | undefined
  readonly limit: number
  readonly action?: string | undefined
  readonly actorId?: string | undefined
  readonly targetId?: string | undefined
  readonly organisationId?: string | undefined
  /** Milliseconds since the epoch: from, and before. */
  readonly from?: number | undefined
  readonly until?: number | undefined
}

export interface AuditStore {
  /** Adds what is said as the next entry, of many at once each in its turn. */
  append(said: AuditStatement): Promise<AuditEntry>
  find(query: AuditQuery): Promise<AuditEntry[]>
  /** Entries after `seq`, the oldest first. */
  after(seq: number, limit: number): Promise<AuditEntry[]>
}
