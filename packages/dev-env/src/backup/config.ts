/** What backups read from the environment. */
import { join } from 'node:path'
import type { EnvReader, Secret } from '@sealpost/config'
import { readRecipient, recipientOf } from '@sealpost/backup'

/** The account whose password must be right in what is restored. */
export interface Canary {
  readonly jid: string
  readonly password: Secret
}

/** Where a copy of all backups goes once a week. */
export interface OffSite {
  /** As restic names it: `sftp:user@host:/path`, `s3:https://…`, a directory. */
  readonly repository: string
  readonly password: Secret
  /** Whose the bucket is, when it is S3. */
  readonly s3: { readonly id: string; readonly key: Secret } | undefined
}

export interface BackupConfig {
  /** Of a Postgres that is not the embedded one. */
  readonly databaseUrl: Secret | undefined
  /** Undefined: no backups are made. */
  readonly directory: string | undefined
  /** `age1…` */
  readonly recipients: readonly string[]
  readonly retentionMs: number
  /** Directory of the program `postgres` that restores: of the version of the database. Undefined: the embedded one does. */
  readonly programs: string | undefined
  /** The key that drills open backups with, as age-keygen writes it; its recipient is one of the recipients. Undefined: no drill. */
  readonly identity: Secret | undefined
  readonly canary: Canary | undefined
  /** Of what waits in chat, tried by drills. */
  readonly keyringFile: string
  readonly offSite: OffSite | undefined
}

const DAY_MS = 86_400_000
/** What a line of the file of AWS holds as it is: the rest begins comments there, or quotes. */
const S3_KEY = /^[^\s#;"`]+$/

/** Reads the variables BACKUP_…, and which database it is. */
export function readBackupConfig(env: EnvReader): BackupConfig {
  const identity = env.optionalSecret('BACKUP_IDENTITY')
  const recipients = env.list('BACKUP_RECIPIENTS', [])
  const config = {
    databaseUrl: env.optionalSecret('DATABASE_URL'),
    directory: env.optional('BACKUP_DIR'),
    recipients: withDrill(env, recipients, identity),
    programs: env.optional('POSTGRES_BIN'),
    retentionMs: env.durationMs('BACKUP_RETENTION', '15d', { min: DAY_MS }),
    identity,
    canary: readCanary(env),
    keyringFile: readKeyringFile(env),
    offSite: readOffSite(env),
  }
  const given = config.directory !== undefined
  if (given !== recipients.length > 0) env.problem('BACKUP_DIR and BACKUP_RECIPIENTS must be set together')
  if (!recipients.every(isRecipient))
    env.problem('BACKUP_RECIPIENTS must list recipients like age1…, as age-keygen makes them')
  return config
}

/** What a drill cannot open it cannot prove. */
function withDrill(env: EnvReader, recipients: readonly string[], identity: Secret | undefined): string[] {
  try {
    const own = identity === undefined || recipients.length === 0 ? [] : [recipientOf(identity.reveal())]
    return [...new Set([...recipients, ...own])]
  } catch {
    env.problem('BACKUP_IDENTITY must be a line AGE-SECRET-KEY-1…, as age-keygen makes')
    return [...recipients]
  }
}

function readCanary(env: EnvReader): Canary | undefined {
  const [jid, password] = [env.optional('BACKUP_CANARY'), env.optionalSecret('BACKUP_CANARY_PASSWORD')]
  if (jid !== undefined && password === undefined) env.problem('BACKUP_CANARY needs BACKUP_CANARY_PASSWORD')
  return jid === undefined || password === undefined ? undefined : { jid, password }
}

function readKeyringFile(env: EnvReader): string {
  const directory = env.optional('KEYRING_DIR') ?? join(env.str('SEALPOST_DATA_DIR', './data'), 'keyring')
  return join(directory, 'xmpp', 'keyring.slots')
}

function readOffSite(env: EnvReader): OffSite | undefined {
  const repository = env.optional('BACKUP_RESTIC_REPOSITORY')
  const password = env.optionalSecret('BACKUP_RESTIC_PASSWORD')
  if (repository !== undefined && password === undefined)
    env.problem('BACKUP_RESTIC_REPOSITORY needs BACKUP_RESTIC_PASSWORD')
  const [id, key] = [env.optional('BACKUP_S3_KEY_ID'), env.optionalSecret('BACKUP_S3_KEY')]
  if ((id === undefined) !== (key === undefined))
    env.problem('BACKUP_S3_KEY_ID and BACKUP_S3_KEY must be set together')
  for (const [name, text] of [
    ['BACKUP_S3_KEY_ID', id],
    ['BACKUP_S3_KEY', key?.reveal()],
  ] as const)
    if (text !== undefined && !S3_KEY.test(text))
      env.problem(`${name} must be without spaces, #, ;, " and backquotes`)
  const s3 = id === undefined || key === undefined ? undefined : { id, key }
  return repository === undefined || password === undefined ? undefined : { repository, password, s3 }
}

function isRecipient(text: string): boolean {
  try {
    readRecipient(text)
    return true
  } catch {
    return false
  }
}
