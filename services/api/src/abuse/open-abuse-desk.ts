/** The abuse desk with its store and key. */
import type { Db } from '@sealpost/db'
import type { Platform } from '@sealpost/service'
import { AbuseDesk, type AbuseDeskOptions } from './abuse-desk.ts'
import { openReportSealing } from './sealing.ts'
import { postgresAbuse } from './store.postgres.ts'

const SWEEP_MS = 3_600_000

/** What is old is erased until `stack` is disposed. `apiDb` has the role sealpost_api. */
export async function openAbuseDesk(
  { dataDir, clock, random }: Platform,
  apiDb: Db,
  parts: Omit<AbuseDeskOptions, 'store' | 'sealing' | 'clock' | 'random'>,
  stack: AsyncDisposableStack,
): Promise<AbuseDesk> {
  const sealing = await openReportSealing(dataDir, random)
  const desk = new AbuseDesk({ ...parts, store: postgresAbuse(apiDb), sealing, clock, random })
  stack.use(clock.every(SWEEP_MS, () => desk.eraseOld()))
  return desk
}
