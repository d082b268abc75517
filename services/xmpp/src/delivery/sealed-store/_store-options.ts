import type { Db } from '@sealpost/db'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import type { SealedStoreOptions } from './sealed-store.ts'

export function storeOptions(db: Db, directory: string): SealedStoreOptions {
  return {
    db,
    keyring: { mode: 'file', directory },
    clock: systemClock,
    random: systemRandom,
    log: createLog({ level: 'silent' }),
    metrics: createMetrics(),
    onFenced: () => undefined,
    leaseWaitMs: 3000,
  }
}
