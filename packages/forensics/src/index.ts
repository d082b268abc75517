/** What somebody could read who has the disk: the files of Postgres, its archive and its backups, the spool, and the keyring as it is now; and services that try it on themselves. */
export { attack } from './attack.ts'
export { type StoredRow, tryRows } from './try-rows.ts'
export type { Loot, Spoils } from './attack.ts'
export { readSelfAuditDirs } from './self-audit/directories.ts'
export { CANARY_SECONDS, SelfAudit } from './self-audit/self-audit.ts'
export type {
  Canary,
  PlantedCanaries,
  SelfAuditOptions,
  SelfAuditRecord,
  SelfAuditResult,
  SelfAuditState,
} from './self-audit/self-audit.ts'
