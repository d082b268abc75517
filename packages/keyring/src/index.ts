/** The keys of sealed messages, in slots that are destroyed one by one. */
export { diskVolume, requestAdopt, requestReset } from './disk-volume.ts'
export { PLAINTEXT_BYTES_MAX, SIZE_CLASSES } from './envelope.ts'
export { GarbageCollector } from './garbage-collector.ts'
export type { GarbageCollectorOptions } from './garbage-collector.ts'
export { KeyringError } from './keyring-error.ts'
export type { KeyringErrorCode } from './keyring-error.ts'
export type {
  Keyring,
  KeyringOptions,
  QueueHandle,
  QueuedMessage,
  Reconciliation,
  Sealed,
  SealedRow,
} from './keyring.ts'
export { Lease, leaseHeld } from './lease.ts'
export type { LeaseScope, LeaseState } from './lease.ts'
export { packRow } from './packed-row.ts'
export { RAM_KEYRING_ID, openKeyring, openKeyringOn } from './open-keyring.ts'
export { reportKeyRisks } from './key-risks.ts'
export { ShredLag } from './shred-lag.ts'
export { MESSAGE_KINDS } from './slot.ts'
export type { MessageKind } from './slot.ts'
export type { KeyFile, KeyringRequest, Volume } from './volume.ts'
