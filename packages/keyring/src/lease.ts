/**
 * Who may write a keyring and its rows. An advisory lock keeps a second process waiting; the epoch in the lease
 * row stops a first one that lost the lock without noticing: every statement that matters checks it.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { raw, sql } from '@sealpost/db'
import type { Db, Sql } from '@sealpost/db'
import { KeyringError } from './keyring-error.ts'

/** What a lease is for: a schema with the tables `instance` (id) and `keyring_lease` (singleton, keyring_id, epoch). */
export interface LeaseScope {
  readonly schema: string
  /** The table of sealed rows in it. */
  readonly rows: string
  /** Of the advisory lock: one number for one schema. */
  readonly lockKey: bigint
}

const RETRY_MS = 100
const RETRY_MS_MAX = 2000

export interface LeaseState {
  readonly instanceId: string
  readonly lastSeen: { readonly keyringId: string; readonly epoch: number } | undefined
  readonly rowsExist: boolean
}

/** The lock, taken again by itself when its connection is lost. */
export class Lease implements AsyncDisposable {
  readonly #db: Db
  readonly #scope: LeaseScope
  #lock: AsyncDisposable | undefined
  #closed = false
  readonly #stop = new AbortController()
  #retaking: Promise<void> | undefined

  private constructor(db: Db, scope: LeaseScope) {
    this.#db = db
    this.#scope = scope
  }

  /** Waits at most `waitMs` for a former holder to go, which a killed one does as soon as the database notices; then KEYRING_HELD. */
  static async take(db: Db, scope: LeaseScope, waitMs: number): Promise<Lease> {
    const lease = new Lease(db, scope)
    const deadline = performance.now() + waitMs
    while (!(await lease.#tryLock())) {
      if (performance.now() >= deadline) throw new KeyringError('KEYRING_HELD')
      await pause(RETRY_MS)
    }
    return lease
  }

  async state(): Promise<LeaseState> {
    const [schema, rows] = [raw(this.#scope.schema), raw(this.#scope.rows)]
    const [row] = await this.#db.query<{
      instance: string
      keyring_id: string | null
      epoch: number | null
      rows_exist: boolean
    }>(sql`
      select instance.id as instance, lease.keyring_id, lease.epoch, exists (select from ${schema}.${rows}) as rows_exist
      from ${schema}.instance left join ${schema}.keyring_lease as lease on true`)
    if (row === undefined) throw new KeyringError('KEYRING_INSTANCE_MISMATCH')
    const { keyring_id: keyringId, epoch } = row
    const lastSeen = keyringId === null || epoch === null ? undefined : { keyringId, epoch }
    return { instanceId: row.instance, lastSeen, rowsExist: row.rows_exist }
  }

  /**
   * Names our keyring and epoch: from the moment when this resolves no former holder can add or read a row, and all that it added is
   * visible. KEYRING_FENCED when the database has seen a higher epoch.
   */
  async announce(keyringId: string, epoch: number): Promise<void> {
    const [schema, rows] = [raw(this.#scope.schema), raw(this.#scope.rows)]
    const changed = await this.#db.execute(sql`
      insert into ${schema}.keyring_lease as lease (keyring_id, epoch) values (${keyringId}::uuid, ${epoch}::bigint)
      on conflict (singleton) do update set keyring_id = excluded.keyring_id, epoch = excluded.epoch
      where lease.epoch < excluded.epoch`)
    if (changed === 0) throw new KeyringError('KEYRING_FENCED')
    // An insert that began under the old lease holds its table lock until it ends; one that begins later sees the new lease.
    await this.#db.transaction(async (tx) => {
      await tx.execute(sql`lock table ${schema}.${rows} in share row exclusive mode`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#stop.abort()
    await this.#retaking
    await this.#lock?.[Symbol.asyncDispose]()
  }

  async #tryLock(): Promise<boolean> {
    const lock = await this.#db.lock(this.#scope.lockKey, () => {
      this.#lock = undefined
      this.#retaking ??= this.#retake()
    })
    this.#lock = lock
    return lock !== undefined
  }

  /** For as long as it takes: the epoch decides meanwhile. */
  async #retake(): Promise<void> {
    for (let wait = RETRY_MS; !this.#closed; wait = Math.min(wait * 2, RETRY_MS_MAX)) {
      try {
        if (await this.#tryLock()) break
      } catch {
        // The database is away; its return is what we wait for.
      }
      await pause(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
    this.#retaking = undefined
  }
}

/** The lease row if it is still ours, as a condition of another statement. */
export function leaseHeld({ schema }: Pick<LeaseScope, 'schema'>, keyringId: string, epoch: number): Sql {
  return sql`select from ${raw(schema)}.keyring_lease where keyring_id = ${keyringId}::uuid and epoch = ${epoch}::bigint`
}
