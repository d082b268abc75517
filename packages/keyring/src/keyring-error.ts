import { OperationalError } from '@sealpost/errors'

/** Every way in which a keyring can refuse, and what the log and the operator are told. */
const REASONS = {
  KEYRING_INSTANCE_MISMATCH:
    'The keyring belongs to another database; adopt or reset it, or correct the database URL',
  KEYRING_LOST: 'The database holds sealed rows but their keyring is missing; bring it back, or reset it',
  KEYRING_ROLLED_BACK:
    'The keyring is an older copy than the one last used with this database: it has keys that were destroyed since, which open what backups of that time hold; reset it, or adopt it, and destroy the copy',
  KEYRING_DAMAGED: 'The header of the keyring is unreadable; bring the keyring back, or reset it',
  KEYRING_HELD: 'Another process holds the keyring',
  KEYRING_FENCED: 'Another process has taken the keyring over',
  KEYRING_UNAVAILABLE: 'The keyring cannot be written at present',
  KEYRING_FULL: 'The keyring holds as many keys as it may',
  KEYRING_CLOSED: 'The keyring is closed',
  PLAINTEXT_TOO_LARGE: 'The plaintext exceeds the largest size class',
  BLOB_CORRUPT: 'A sealed blob does not match its key and its place',
} as const

export type KeyringErrorCode = keyof typeof REASONS

export class KeyringError extends OperationalError {
  override name = 'KeyringError'
  declare readonly code: KeyringErrorCode

  constructor(code: KeyringErrorCode, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}
