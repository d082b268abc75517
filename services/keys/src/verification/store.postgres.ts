/** The store in Postgres, schema `keys`. */
import { assert } from '@sealpost/errors'
import { sql, type Db, type Sql } from '@sealpost/db'
import type { LinkPurpose, LinkStore, Sent } from './store.ts'

interface SqlRow {
  purpose: LinkPurpose
  certificate: Buffer
  address: string
  expires_at: Date
}

/** Needs a connection with the role `sealpost_keys` on a migrated database. */
export function postgresLinkStore(db: Db): LinkStore {
  return {
    async put(hash, { purpose, fingerprint, address, expiresAt }) {
      const rows = await db.execute(sql`
        insert into keys.link (token_hash, purpose, certificate, address, expires_at)
        select ${hash}, ${purpose}, fingerprint, ${address}, ${new Date(expiresAt)}::timestamptz
        from keys.certificate where fingerprint = ${Buffer.from(fingerprint, 'hex')}`)
      return rows > 0
    },
    async find(hash, now) {
      const [row] = await db.query<SqlRow>(sql`
        select purpose, certificate, address, expires_at from keys.link
        where token_hash = ${hash} and expires_at > ${new Date(now)}::timestamptz`)
      if (row === undefined) return undefined
      const { purpose, certificate, address, expires_at: expiresAt } = row
      const fingerprint = certificate.toString('hex').toUpperCase()
      return { purpose, fingerprint, address, expiresAt: expiresAt.getTime() }
    },
    async delete(hash) {
      await db.execute(sql`delete from keys.link where token_hash = ${hash}`)
    },
    async pending(fingerprint, now) {
      const rows = await db.query<{ address: string }>(sql`
        select distinct address from keys.link
        where certificate = ${Buffer.from(fingerprint, 'hex')} and purpose = 'publish' and expires_at > ${new Date(now)}::timestamptz
        order by address`)
      return rows.map(({ address }) => address)
    },
    sentTo: (address, now) => sentTo(db, address, now),
    async deleteFor({ address, fingerprint, purpose }) {
      const certificate = fingerprint === undefined ? null : Buffer.from(fingerprint, 'hex')
      await db.execute(sql`
        delete from keys.link where address = ${address} and certificate = coalesce(${certificate}::bytea, certificate)
          and purpose = coalesce(${purpose ?? null}::text, purpose)`)
      if (fingerprint === undefined && purpose === undefined)
        await db.execute(sql`delete from keys.address_token where address = ${address}`)
    },
    async putToken(hash, { address, expiresAt }) {
      await db.execute(
        sql`insert into keys.address_token values (${hash}, ${address}, ${new Date(expiresAt)}::timestamptz)`,
      )
    },
    async hasToken(hash, address, now) {
      const rows = await db.query(sql`select ${token(hash, address, now)}`)
      return rows.length > 0
    },
    async takeToken(hash, address, now) {
      const [row] = await db.query<{ expires_at: Date }>(
        sql`delete ${token(hash, address, now)} returning expires_at`,
      )
      return row && { address, expiresAt: row.expires_at.getTime() }
    },
    async useOnce(digest, expiresAt) {
      const rows = await db.execute(sql`
        insert into keys.used_statement (digest, expires_at) values (${digest}, ${new Date(expiresAt)}::timestamptz) on conflict do nothing`)
      return rows > 0
    },
    async collect(now) {
      await db.execute(sql`delete from keys.link where expires_at <= ${new Date(now)}::timestamptz`)
      await db.execute(sql`delete from keys.address_token where expires_at <= ${new Date(now)}::timestamptz`)
      await db.execute(sql`delete from keys.used_statement where expires_at <= ${new Date(now)}::timestamptz`)
    },
    async uploadKey() {
      const [row] = await db.query<{ key: Buffer }>(sql`select key from keys.secret where purpose = 'upload'`)
      assert(row)
      return row.key
    },
  }
}

function token(hash: Buffer, address: string, now: number): Sql {
  return sql`from keys.address_token where token_hash = ${hash} and address = ${address} and expires_at > ${new Date(now)}::timestamptz`
}

async function sentTo(db: Db, address: string, now: number): Promise<Sent[]> {
  const rows = await db.query<{ purpose: Sent['purpose']; expires_at: Date }>(sql`
    select purpose, expires_at from (
      select purpose, address, expires_at from keys.link union all select 'token', address, expires_at from keys.address_token) as sent
    where address = ${address} and expires_at > ${new Date(now)}::timestamptz order by expires_at`)
  return rows.map(({ purpose, expires_at: expiresAt }) => ({ purpose, expiresAt: expiresAt.getTime() }))
}
