/** The audit log in memory: the plain model of the Postgres store. */
import { chain, type AuditEntry } from './entry.ts'
import type { AuditQuery, AuditStore } from './store.ts'

export function memoryAuditStore(): AuditStore {
  const entries: AuditEntry[] = []
  return {
    async append(said) {
      const entry = chain(entries.at(-1), said)
      entries.push(entry)
      return entry
    },
    async find(query) {
      return entries
        .filter((entry) => isAsked(entry, query))
        .toReversed()
        .slice(0, query.limit)
    },
    async after(seq, limit) {
      return entries.slice(seq, seq + limit)
    },
  }
}

function isAsked({ seq, at, action, actor, target }: AuditEntry, query: AuditQuery): boolean {
  return (
    seq < (query.before ?? Infinity) &&
    at >= (query.from ?? -Infinity) &&
    at < (query.until ?? Infinity) &&
    (query.action === undefined || query.action === action) &&
    (query.actorId === undefined || query.actorId === actor.id) &&
    (query.targetId === undefined || query.targetId === target?.id) &&
    (query.organisationId === undefined || query.organisationId === actor.organisationId)
  )
}
