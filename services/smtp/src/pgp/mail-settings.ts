/** What an account has chosen for its mail. */
import type { Bus } from '@sealpost/bus'
import { MAIL_PGP_MODES, type MailPgpMode } from '@sealpost/accounts'
import { sql, type Db } from '@sealpost/db'

declare module '@sealpost/bus' {
  interface Topics {
    /** An account has chosen anew: read it again. */
    'mail-settings/changed': { accountId: string }
  }
}

/**
 * What becomes of a readable mail that should be encrypted on arrival when there is no key for it. `refuse`: the sender is told at once. `defer`: the sender's
 * server keeps it and tries again, and tells the sender at last. `plain`: it is delivered as it is.
 */
export const ON_MISSING_KEY = ['refuse', 'defer', 'plain'] as const
export type OnMissingKey = (typeof ON_MISSING_KEY)[number]

/** What is undefined is as the domain is set, or `refuse`. */
export interface MailSettings {
  readonly pgp: MailPgpMode | undefined
  readonly onMissingKey: OnMissingKey | undefined
}

/** Accounts remembered; beyond it all are forgotten and read again. */
const REMEMBERED_MAX = 10_000

interface Row {
  pgp: string | null
  on_missing_key: string | null
}

/** In Postgres, with a memory that follows the bus. Needs a connection with the role `sealpost_smtp` on a migrated database. */
export class MailSettingsStore implements Disposable {
  readonly #db: Db
  readonly #bus: Bus
  readonly #stack = new DisposableStack()
  readonly #remembered = new Map<string, Promise<MailSettings>>()

  constructor(db: Db, bus: Bus) {
    this.#db = db
    this.#bus = bus
    this.#stack.use(bus.subscribe('mail-settings/changed', ({ accountId }) => this.#forget(accountId)))
    this.#stack.use(bus.onReset(() => this.#remembered.clear()))
  }

  of(accountId: string): Promise<MailSettings> {
    const known = this.#remembered.get(accountId)
    if (known !== undefined) return known
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    const reading = this.#read(accountId)
    this.#remembered.set(accountId, reading)
    reading.catch(() => {
      if (this.#remembered.get(accountId) === reading) this.#forget(accountId)
    })
    return reading
  }

  /** Replaces what was chosen before. */
  async put(accountId: string, settings: MailSettings): Promise<void> {
    const [pgp, onMissingKey] = [settings.pgp ?? null, settings.onMissingKey ?? null]
    if (pgp === null && onMissingKey === null) return this.erase(accountId)
    await this.#db.execute(sql`
      insert into smtp.mail_settings (account_id, pgp, on_missing_key) values (${accountId}, ${pgp}, ${onMissingKey})
      on conflict (account_id) do update set pgp = excluded.pgp, on_missing_key = excluded.on_missing_key`)
    await this.#tell(accountId)
  }

  async erase(accountId: string): Promise<void> {
    await this.#db.execute(sql`delete from smtp.mail_settings where account_id = ${accountId}`)
    await this.#tell(accountId)
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  async #tell(accountId: string): Promise<void> {
    this.#forget(accountId)
    await this.#bus.publish('mail-settings/changed', { accountId })
  }

  #forget(accountId: string): void {
    this.#remembered.delete(accountId)
  }

  async #read(accountId: string): Promise<MailSettings> {
    const [row] = await this.#db.query<Row>(
      sql`select pgp, on_missing_key from smtp.mail_settings where account_id = ${accountId}`,
    )
    return {
      pgp: MAIL_PGP_MODES.find((each) => each === row?.pgp),
      onMissingKey: ON_MISSING_KEY.find((each) => each === row?.on_missing_key),
    }
  }
}
