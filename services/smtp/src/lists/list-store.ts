/** Lists and their members in Postgres, schema `smtp`. Addresses are known as hashes only. Throws DbError. */
import { type Db, sql } from '@sealpost/db'

export interface ListRow {
  readonly id: string
  readonly accountId: string
  /** RFC 2919. */
  readonly listId: string
}

export interface MemberCounts {
  readonly asked: number
  readonly confirmed: number
  readonly left: number
}

/** Days in UTC, `YYYY-MM-DD`. */
export interface MemberRow {
  readonly confirmedOn: string | undefined
  readonly leftOn: string | undefined
}

interface SqlMember {
  confirmed_on: string | null
  left_on: string | null
}

/** Needs a connection with the role `sealpost_smtp` on a migrated database. */
export class ListStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async find(accountId: string, listId: string): Promise<ListRow | undefined> {
    const rows = await this.#db.query<{ id: string }>(
      sql`select id from smtp.list where account_id = ${accountId}::uuid and list_id = ${listId}`,
    )
    return rows[0] && { id: rows[0].id, accountId, listId }
  }

  async findById(id: string): Promise<ListRow | undefined> {
    const rows = await this.#db.query<{ account_id: string; list_id: string }>(
      sql`select account_id, list_id from smtp.list where id = ${id}::uuid`,
    )
    return rows[0] && { id, accountId: rows[0].account_id, listId: rows[0].list_id }
  }

  /** False when the account has `max` lists and not this one. */
  async create({ id, accountId, listId }: ListRow, max: number): Promise<boolean> {
    await this.#db.execute(sql`
      insert into smtp.list (id, account_id, list_id) select ${id}::uuid, ${accountId}::uuid, ${listId}::text
      where (select count(*) from smtp.list where account_id = ${accountId}::uuid) < ${max}::int
      on conflict (account_id, list_id) do nothing`)
    return (await this.find(accountId, listId)) !== undefined
  }

  async remove(accountId: string, listId: string): Promise<boolean> {
    const removed = await this.#db.execute(
      sql`delete from smtp.list where account_id = ${accountId}::uuid and list_id = ${listId}`,
    )
    return removed > 0
  }

  async erase(accountId: string): Promise<void> {
    await this.#db.execute(sql`delete from smtp.list where account_id = ${accountId}::uuid`)
  }

  async list(accountId: string): Promise<(MemberCounts & { readonly listId: string })[]> {
    return await this.#db.query<MemberCounts & { listId: string }>(sql`
      select list_id as "listId",
        count(address) filter (where confirmed_on is null and left_on is null)::int as asked,
        count(address) filter (where confirmed_on is not null and left_on is null)::int as confirmed,
        count(address) filter (where left_on is not null)::int as left
      from smtp.list left join smtp.list_member on list = id
      where account_id = ${accountId}::uuid group by list_id order by list_id`)
  }

  async member(list: string, address: Buffer): Promise<MemberRow | undefined> {
    const [row] = await this.#db.query<SqlMember>(
      sql`select confirmed_on::text, left_on::text from smtp.list_member where list = ${list}::uuid and address = ${address}`,
    )
    return row && { confirmedOn: row.confirmed_on ?? undefined, leftOn: row.left_on ?? undefined }
  }

  /** A new link for an address that has neither confirmed nor left; false when it has, or the list is gone. */
  async ask(list: string, address: Buffer, tokenHash: Buffer, expiresAt: number): Promise<boolean> {
    const asked = await this.#db.execute(sql`
      insert into smtp.list_member as member (list, address, token_hash, expires_at)
      select id, ${address}, ${tokenHash}, ${new Date(expiresAt)} from smtp.list where id = ${list}::uuid
      on conflict (list, address) do update set token_hash = excluded.token_hash, expires_at = excluded.expires_at
      where member.confirmed_on is null and member.left_on is null`)
    return asked > 0
  }

  /** Takes an address off that has not left of its own; what its owner said stays. */
  async forget(list: string, address: Buffer): Promise<void> {
    await this.#db.execute(
      sql`delete from smtp.list_member where list = ${list}::uuid and address = ${address} and left_on is null`,
    )
  }

  /** The list that a link asks about. */
  async asked(tokenHash: Buffer, now: number): Promise<ListRow | undefined> {
    const [row] = await this.#db.query<ListRow>(sql`
      select id, account_id as "accountId", list_id as "listId" from smtp.list join smtp.list_member on list = id
      where token_hash = ${tokenHash} and expires_at > ${new Date(now)}`)
    return row
  }

  /** The link is used up. Of many at once, one wins; the list, or undefined. */
  async confirm(tokenHash: Buffer, now: number, today: string): Promise<ListRow | undefined> {
    const [row] = await this.#db.query<ListRow>(sql`
      update smtp.list_member set token_hash = null, expires_at = null, confirmed_on = ${today}::date from smtp.list
      where list = id and token_hash = ${tokenHash} and expires_at > ${new Date(now)}
      returning id, account_id as "accountId", list_id as "listId"`)
    return row
  }

  /** For good. Undefined: there is no such list or member. */
  async leave(list: string, address: Buffer, today: string): Promise<ListRow | undefined> {
    const [row] = await this.#db.query<ListRow>(sql`
      update smtp.list_member set token_hash = null, expires_at = null, left_on = coalesce(left_on, ${today}::date) from smtp.list
      where list = id and list = ${list}::uuid and address = ${address}
      returning id, account_id as "accountId", list_id as "listId"`)
    return row
  }

  /** Those among the addresses, by list, that want mail of any list of the account. */
  async confirmed(lists: readonly string[], addresses: readonly Buffer[]): Promise<Buffer[]> {
    const rows = await this.#db.query<{ address: Buffer }>(sql`
      select address from smtp.list_member where list = any(${lists}::uuid[]) and address = any(${addresses}::bytea[])
        and confirmed_on is not null and left_on is null`)
    return rows.map(({ address }) => address)
  }

  async listsOf(accountId: string): Promise<string[]> {
    const rows = await this.#db.query<{ id: string }>(
      sql`select id from smtp.list where account_id = ${accountId}::uuid`,
    )
    return rows.map(({ id }) => id)
  }

  /** Addresses whose links have expired are forgotten. */
  async collect(now: number): Promise<void> {
    await this.#db.execute(sql`delete from smtp.list_member where expires_at <= ${new Date(now)}`)
  }
}
