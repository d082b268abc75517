/** The secret that opens an archive reaches the restore_command by the environment of Postgres, and lies in no file. */
export const IDENTITY_VARIABLE = 'BACKUP_IDENTITY'

export function inheritedIdentity(): string {
  return process.env[IDENTITY_VARIABLE] ?? ''
}
