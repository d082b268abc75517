/** The log in Postgres, schema `keys`. Appending is part of the transaction that changes what is served. */
import { OperationalError } from '@sealpost/errors'
import { sql } from '@sealpost/db'
import type { Db, Tx } from '@sealpost/db'
import type { NoteSignature } from '@sealpost/tlog'
import type { HistoryEntry, LogHead, LogStore } from './log-store.ts'

type Change = Parameters<LogStore['append']>[1]

/** Needs a connection with the role `sealpost_keys` on a migrated database. */
export function postgresLogStore(db: Db): LogStore {
  return {
    begin: (verifierKey, head) => begin(db, verifierKey, head),
    head: () => readHead(db, false),
    lockHead: (tx) => readHead(tx, true),
    append: (tx, change) => append(tx, change),
    async keep(tx, { hash, bytes }, eraseOn) {
      await tx.execute(sql`
        insert into keys.log_certificate as l (hash, bytes, erase_on) values (${hash}, ${bytes}, ${eraseOn}::date)
        on conflict (hash) do update set erase_on = greatest(l.erase_on, excluded.erase_on)`)
    },
    async erase(tx, addresses) {
      await tx.execute(sql`
        delete from keys.log_certificate
        where hash in (select certificate_hash from keys.log_entry where address_hash = any (${[...addresses]}::bytea[]))`)
    },
    eraseDue: (day, limit) =>
      db.execute(sql`
        delete from keys.log_certificate
        where hash in (select hash from keys.log_certificate where erase_on <= ${day}::date limit ${limit})`),
    entries: (first, count) =>
      db.query(sql`
        select address_hash as address, certificate_hash as certificate from keys.log_entry
        where entry_index >= ${first} and entry_index < ${first + count} order by entry_index`),
    async tileHashes(level, first, count) {
      const rows = await db.query<{ hash: Buffer }>(sql`
        select hash from keys.log_tile_hash
        where level = ${level} and hash_index >= ${first} and hash_index < ${first + count} order by hash_index`)
      return rows.map(({ hash }) => hash)
    },
    history: (address, from, limit) =>
      db.query<HistoryEntry>(sql`
        select entry_index as index, certificate_hash as certificate, day,
          exists (select from keys.log_certificate c where c.hash = e.certificate_hash) as kept
        from keys.log_entry e where address_hash = ${address} and entry_index >= ${from} order by entry_index limit ${limit}`),
    async newest(address, size) {
      const [row] = await db.query<{ index: number }>(sql`
        select entry_index as index from keys.log_entry
        where address_hash = ${address} and entry_index < ${size} order by entry_index desc limit 1`)
      return row?.index
    },
    cosign: (size, lines, sizesMax) => cosign(db, size, { lines, sizesMax }),
    cosignatures: (size) =>
      db.query<NoteSignature>(sql`
        select witness as name, key_id as "keyId", signature from keys.log_cosignature where size = ${size} order by witness, key_id`),
    async cosignedSize() {
      const [row] = await db.query<{ size: number | null }>(
        sql`select max(size) as size from keys.log_cosignature`,
      )
      return row?.size ?? undefined
    },
    async current(address) {
      const [row] = await db.query<{ served: Buffer }>(sql`
        select c.served from keys.published_address p join keys.certificate c on c.fingerprint = p.certificate
        where p.address = ${address} and not p.suspended`)
      return row?.served
    },
    async replaced(address, index) {
      const [row] = await db.query<{ bytes: Buffer }>(sql`
        select c.bytes from keys.log_entry e join keys.log_certificate c on c.hash = e.certificate_hash
        where e.entry_index = ${index} and e.address_hash = ${address}`)
      return row?.bytes
    },
  }
}

function cosign(
  db: Db,
  size: number,
  { lines, sizesMax }: { lines: readonly NoteSignature[]; sizesMax: number },
): Promise<void> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`
      insert into keys.log_cosignature (size, witness, key_id, signature)
      select ${size}, n, k, s from unnest(${lines.map(({ name }) => name)}::text[], ${lines.map(({ keyId }) => keyId)}::text[],
        ${lines.map(({ signature }) => signature)}::bytea[]) as t (n, k, s)
      on conflict (size, witness, key_id) do update set signature = excluded.signature`)
    await tx.execute(sql`
      delete from keys.log_cosignature
      where size < (select min(size) from (select distinct size from keys.log_cosignature order by size desc limit ${sizesMax}) newest)`)
  })
}

async function begin(db: Db, verifierKey: string, head: LogHead): Promise<string> {
  await db.execute(sql`
    insert into keys.log_head (verifier_key, size, frontier, checkpoint)
    values (${verifierKey}, ${head.size}, ${head.frontier}, ${head.checkpoint})
    on conflict do nothing`)
  const [begun] = await db.query<{ key: string }>(sql`select verifier_key as key from keys.log_head`)
  return begun?.key ?? verifierKey
}

async function readHead(tx: Tx, lock: boolean): Promise<LogHead> {
  const [head] = await tx.query<LogHead>(
    lock
      ? sql`select size, frontier, checkpoint from keys.log_head for update`
      : sql`select size, frontier, checkpoint from keys.log_head`,
  )
  if (head === undefined)
    throw new OperationalError('KEYS_LOG_GONE', 'The transparency log has no head any more')
  return head
}

async function append(tx: Tx, { first, entries, tileHashes, head }: Change): Promise<void> {
  await tx.execute(sql`
    insert into keys.log_entry (entry_index, address_hash, certificate_hash, day)
    select ${first}::bigint + n - 1, a, c, d
    from unnest(${entries.map(({ address }) => address)}::bytea[], ${entries.map(({ certificate }) => certificate)}::bytea[],
      ${entries.map(({ day }) => day)}::date[]) with ordinality as t (a, c, d, n)`)
  if (tileHashes.length > 0)
    await tx.execute(sql`
      insert into keys.log_tile_hash (level, hash_index, hash)
      select * from unnest(${tileHashes.map(({ level }) => level)}::smallint[], ${tileHashes.map(({ index }) => index)}::bigint[],
        ${tileHashes.map(({ hash }) => hash)}::bytea[])`)
  await tx.execute(sql`
    update keys.log_head set size = ${head.size}, frontier = ${head.frontier}, checkpoint = ${head.checkpoint}`)
}
