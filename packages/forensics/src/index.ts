/** What somebody could read who has the disk: the files of Postgres, its archive and its backups, the spool, and the keyring as it is now. */
export { attack } from './attack.ts'
export type { Loot, Spoils } from './attack.ts'
