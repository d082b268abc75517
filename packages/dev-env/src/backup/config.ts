/** What backups read from the environment. */
import type { EnvReader, Secret } from '@sealpost/config'
import { readRecipient } from '@sealpost/backup'

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
  /** Variables of restic's own, for S3. */
  readonly credentials: Readonly<Record<string, string>>
}

export interface BackupConfig {
  /** Undefined: no backups are made. */
  readonly directory: string | undefined
  /** `age1…` */
  readonly recipients: readonly string[]
  readonly retentionMs: number
  /** Of the key that the nightly drill opens backups with. Undefined: no drill. */
  readonly identityFile: string | undefined
  readonly canary: Canary | undefined
  readonly offSite: OffSite | undefined
}

const DAY_MS = 86_400_000

/** Reads the variables BACKUP_…. */
export function readBackupConfig(env: EnvReader): BackupConfig {
  const config = {
    directory: env.optional('BACKUP_DIR'),
    recipients: env.list('BACKUP_RECIPIENTS', []),
    retentionMs: env.durationMs('BACKUP_RETENTION', '15d', { min: DAY_MS }),
    identityFile: env.optional('BACKUP_IDENTITY_FILE'),
    canary: readCanary(env),
    offSite: readOffSite(env),
  }
  const given = config.directory !== undefined
  if (given !== config.recipients.length > 0)
    env.problem('BACKUP_DIR and BACKUP_RECIPIENTS must be set together')
  if (!config.recipients.every(isRecipient))
    env.problem('BACKUP_RECIPIENTS must list recipients like age1…, as age-keygen makes them')
  if (given && env.optionalSecret('DATABASE_URL') !== undefined)
    env.problem('BACKUP_DIR is for the embedded Postgres: one of your own is backed up by its own means')
  return config
}

function readCanary(env: EnvReader): Canary | undefined {
  const [jid, password] = [env.optional('BACKUP_CANARY'), env.optionalSecret('BACKUP_CANARY_PASSWORD')]
  if ((jid === undefined) !== (password === undefined))
    env.problem('BACKUP_CANARY and BACKUP_CANARY_PASSWORD must be set together')
  return jid === undefined || password === undefined ? undefined : { jid, password }
}

function readOffSite(env: EnvReader): OffSite | undefined {
  const repository = env.optional('BACKUP_RESTIC_REPOSITORY')
  const password = env.optionalSecret('BACKUP_RESTIC_PASSWORD')
  if ((repository === undefined) !== (password === undefined))
    env.problem('BACKUP_RESTIC_REPOSITORY and BACKUP_RESTIC_PASSWORD must be set together')
  const [id, key] = [env.optional('BACKUP_S3_KEY_ID'), env.optionalSecret('BACKUP_S3_KEY')]
  const credentials = {
    ...(id === undefined ? {} : { AWS_ACCESS_KEY_ID: id }),
    ...(key === undefined ? {} : { AWS_SECRET_ACCESS_KEY: key.reveal() }),
  }
  return repository === undefined || password === undefined
    ? undefined
    : { repository, password, credentials }
}

function isRecipient(text: string): boolean {
  try {
    readRecipient(text)
    return true
  } catch {
    return false
  }
}
