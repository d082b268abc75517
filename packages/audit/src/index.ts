/** The audit log of administration: append-only, hash-chained, without the name of any person. */
export {
  createAuditLog,
  type AuditAction,
  type AuditHead,
  type AuditLog,
  type AuditVerdict,
  type BegunAction,
} from './audit-log.ts'
export {
  type AuditActor,
  type AuditDetails,
  type AuditEntry,
  type AuditPhase,
  type AuditTarget,
} from './entry.ts'
export { memoryAuditStore } from './store.memory.ts'
export { postgresAuditStore } from './store.postgres.ts'
export type { AuditQuery, AuditStore } from './store.ts'
