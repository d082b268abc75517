/** To whom accounts have written, as keyed hashes of account and recipient together. */
import { createHmac } from 'node:crypto'
import { type Db, sql } from '@sealpost/db'
import { type EmailAddress, formatAddress } from '@sealpost/mail'

/** Half a year, in days: then it is the first time again. */
const KEPT_DAYS = 183
/** So many days late may the last day of use be, so that not every mail is a write. */
const LATE_DAYS = 7
const HASH_BYTES = 16

/** Throws DbError. */
export class KnownRecipients {
  readonly #db: Db
  readonly #key: string

  /** @param key kept apart from the database */
  constructor(db: Db, key: string) {
    this.#db = db
    this.#key = key
  }

  /** How many of them the account has not written to. */
  async countNew(accountId: string, recipients: readonly EmailAddress[]): Promise<number> {
    const hashes = this.#hashes(accountId, recipients)
    const [row] = await this.#db.query<{ known: number }>(
      sql`select count(*)::int as known from smtp.known_recipient where pair = any(${hashes}::bytea[])`,
    )
    return hashes.length - (row?.known ?? 0)
  }

  /** @param today in UTC, `YYYY-MM-DD` */
  async remember(accountId: string, recipients: readonly EmailAddress[], today: string): Promise<void> {
    await this.#db.query(sql`
      insert into smtp.known_recipient as known (pair, last_on)
      select pair, ${today}::date from unnest(${this.#hashes(accountId, recipients)}::bytea[]) as pair
      on conflict (pair) do update set last_on = excluded.last_on where known.last_on < excluded.last_on - ${LATE_DAYS}::int`)
  }

  async forget(today: string): Promise<void> {
    await this.#db.query(
      sql`delete from smtp.known_recipient where last_on < ${today}::date - ${KEPT_DAYS + LATE_DAYS}::int`,
    )
  }

  /** Sorted, so that two mails at once wait for each other in the same order. */
  #hashes(accountId: string, recipients: readonly EmailAddress[]): Buffer[] {
    const names = new Set(recipients.map((each) => formatAddress(each).toLowerCase()))
    return [...names]
      .map((name) =>
        createHmac('sha256', this.#key).update(`${accountId}\0${name}`).digest().subarray(0, HASH_BYTES),
      )
      .toSorted((a, b) => a.compare(b))
  }
}
