/** The keys that all processes share, and what is made of them. They never change, hence are read once. */
import { createHmac } from 'node:crypto'
import { sql, type Db } from '@sealpost/db'
import { assert } from '@sealpost/errors'
import type { Name } from './store.ts'

export type SecretPurpose = 'tombstone' | 'decoy'

export class AccountSecrets {
  readonly #db: Db
  readonly #known = new Map<SecretPurpose, Buffer>()

  constructor(db: Db) {
    this.#db = db
  }

  async get(purpose: SecretPurpose): Promise<Buffer> {
    const known = this.#known.get(purpose)
    if (known) return known
    const [row] = await this.#db.query<{ key: Buffer }>(
      sql`select key from account.secret where purpose = ${purpose}`,
    )
    assert(row, 'the schema account has lost a secret')
    this.#known.set(purpose, row.key)
    return row.key
  }

  /** As a retired name is kept. */
  async nameHash({ domain, localpart }: Name): Promise<Buffer> {
    return createHmac('sha256', await this.get('tombstone'))
      .update(`${domain}\0${localpart}`)
      .digest()
  }
}
