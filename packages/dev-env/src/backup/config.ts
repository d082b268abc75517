/** What backups read from the environment. */
import type { EnvReader, Secret } from '@sealpost/config'
import { readRecipient } from '@sealpost/backup'

/** The account whose password must be right in what is restored. */
export interface Canary {
  readonly jid: string
  readonly password: Secret
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
}

const DAY_MS = 86_400_000

/** Reads BACKUP_DIR, BACKUP_RECIPIENTS, BACKUP_RETENTION, BACKUP_IDENTITY_FILE, BACKUP_CANARY and BACKUP_CANARY_PASSWORD. */
export function readBackupConfig(env: EnvReader): BackupConfig {
  const config = {
    directory: env.optional('BACKUP_DIR'),
    recipients: env.list('BACKUP_RECIPIENTS', []),
    retentionMs: env.durationMs('BACKUP_RETENTION', '15d', { min: DAY_MS }),
    identityFile: env.optional('BACKUP_IDENTITY_FILE'),
    canary: readCanary(env),
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

function isRecipient(text: string): boolean {
  try {
    readRecipient(text)
    return true
  } catch {
    return false
  }
}
