import { OperationalError } from '@sealpost/errors'

const REASONS = {
  STORE_UNAVAILABLE: 'The database did not take a sealed message in time',
  STORE_FENCED: 'Another process has taken the sealed store over',
  STORE_BUSY: 'Too much waits to be stored',
  STORE_CLOSED: 'The sealed store is closed',
} as const

/** KEYRING_… codes come from the keyring itself. */
export class StoreError extends OperationalError {
  override name = 'StoreError'
  declare readonly code: keyof typeof REASONS

  constructor(code: keyof typeof REASONS, options?: { cause?: unknown }) {
    super(code, REASONS[code], options)
  }
}
