/** A log over a migrated database, with keys of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from '@sealpost/db'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { KeyLog } from './key-log.ts'
import { openLogSecrets } from './log-secrets.ts'
import { postgresLogStore } from './log-store.postgres.ts'

export async function openTestLog(db: Db, dataDir?: string): Promise<KeyLog> {
  const folder = dataDir ?? (await mkdtemp(join(tmpdir(), 'sealpost-log-')))
  try {
    const secrets = await openLogSecrets(folder, systemRandom)
    return await KeyLog.open({
      store: postgresLogStore(db),
      secrets,
      clock: systemClock,
      place: 'test.example/tlog',
      witnesses: [],
    })
  } finally {
    if (dataDir === undefined) await rm(folder, { recursive: true })
  }
}
