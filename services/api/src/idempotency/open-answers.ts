/** Answers to repeated requests, with the key of the data directory that keeps them from whoever has the database alone. */
import { join } from 'node:path'
import type { Db } from '@sealpost/db'
import { openSecretFile } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import { postgresAnswers } from './answer-store.postgres.ts'
import { IdempotentAnswers } from './answers.ts'

const KEY_FILE = 'idempotency.key'
const KEY_BYTES = 32
const SWEEP_MS = 3_600_000

/** What is old is erased until `stack` is disposed. `apiDb` has the role sealpost_api. */
export async function openAnswers(
  { dataDir, clock, random }: Platform,
  apiDb: Db,
  stack: AsyncDisposableStack,
): Promise<IdempotentAnswers> {
  const secret = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  const answers = new IdempotentAnswers({ store: postgresAnswers(apiDb), secret, clock, random })
  stack.use(clock.every(SWEEP_MS, () => answers.eraseExpired()))
  return answers
}
