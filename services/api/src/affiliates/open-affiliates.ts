/** Puts the module together; while it is off, only what it has kept of accounts is still erased with them. */
import { join } from 'node:path'
import type { AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import { openSecretFile } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import { Affiliates } from './affiliates.ts'
import { PostgresAffiliates } from './store.postgres.ts'
import type { AffiliateStore } from './store.ts'

const KEY_BYTES = 32

export interface OpenAffiliatesOptions {
  /** AFFILIATES */
  readonly isOn: boolean
  readonly platform: Pick<Platform, 'clock' | 'random' | 'dataDir'>
  readonly db: Db
  readonly accounts: AccountsDomain
}

export async function openAffiliates({
  isOn,
  platform,
  db,
  accounts,
}: OpenAffiliatesOptions): Promise<{ affiliates: Affiliates | undefined; store: AffiliateStore }> {
  const store = new PostgresAffiliates(db)
  if (!isOn) return { affiliates: undefined, store }
  const { clock, random, dataDir } = platform
  const key = await openSecretFile(join(dataDir, 'affiliates.key'), random, () => random.token(KEY_BYTES))
  const affiliates = new Affiliates({ store, accounts, key: Buffer.from(key), clock, random })
  return { affiliates, store }
}
