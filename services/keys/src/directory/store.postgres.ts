/** The store in Postgres, schema `keys`. Lookups are one statement that reads what was made before. */
import { gather, sql, type Db, type Sql, type Tx } from '@sealpost/db'
import type { CertificateSummary } from '@sealpost/openpgp'
import type { LogWriter, Served } from '../transparency/key-log.ts'
import { componentsOf } from './components.ts'
import { expiryDay, REMINDER_DAYS_MAX, reminderDays } from './expiry.ts'
import { type Mailbox, mailboxOf } from './mailbox.ts'
import type {
  CertificateRow,
  CertificateStore,
  Needle,
  NewRow,
  Reminder,
  Served as ServedRow,
  StoredRow,
} from './store.ts'

interface SqlRow {
  fingerprint: Buffer
  kept: Buffer
  served: Buffer
  listing: CertificateSummary
  addresses: string[]
  suspended: string[]
  forget_on: string | null
  revision: number
}

/** Of a fingerprint: told apart well enough, and too little to find a certificate by. */
const PREFIX_BYTES = 4

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
const hex = (buffer: Buffer): string => buffer.toString('hex').toUpperCase()

/** Needs a connection with the role `sealpost_keys` on a migrated database. What it changes for an address it writes to the log, in the same transaction. */
export function postgresCertificateStore(db: Db, log: LogWriter): CertificateStore {
  return {
    async find(fingerprint) {
      const [row] = await findAll(db, [fingerprint])
      return row
    },
    findAll: (fingerprints) => findAll(db, fingerprints),
    put: (row, revision) => write({ db, log }, [{ row, revision }]),
    takeOver: (taker, loser) => write({ db, log }, [loser, taker]),
    insertAll: (rows) => db.transaction((tx) => insertAll(tx, rows)),
    delete: (fingerprint) =>
      db.transaction(async (tx) => {
        const before = (await lockPublished(tx, [fingerprint])).get(fingerprint)
        if (before === undefined) return false
        await tx.execute(sql`delete from keys.certificate where fingerprint = ${bytes(fingerprint)}`)
        await log.record(tx, { ...changesOf(before, NOTHING), withdrawn: true })
        return true
      }),
    ...lookups(db),
    async list(needle, limit) {
      const name = `keys-list-${needle.kind}`
      const rows = await db.query<{ fingerprint: Buffer; listing: CertificateSummary }>(
        sql`select c.fingerprint, c.listing ${matches(needle)} limit ${limit}`,
        { name },
      )
      return rows.map(({ fingerprint, listing }) => ({ fingerprint: hex(fingerprint), listing }))
    },
    async ownerOf(address) {
      const [row] = await db.query<{ certificate: Buffer }>(
        sql`select certificate from keys.published_address where address = ${address}`,
      )
      return row && hex(row.certificate)
    },
    async due(day, limit) {
      const rows = await db.query<{ fingerprint: Buffer }>(
        sql`select fingerprint from keys.certificate where forget_on <= ${day}::date order by forget_on limit ${limit}`,
      )
      return rows.map(({ fingerprint }) => hex(fingerprint))
    },
    ...suspensions(db),
    ...remindersIn(db),
    ...prefixLog(db),
    ...tombstones(db),
  }
}

async function findAll(db: Db, fingerprints: readonly string[]): Promise<StoredRow[]> {
  const rows = await db.query<SqlRow>(
    sql`select fingerprint, kept, served, listing, forget_on, revision,
        array(select address from keys.published_address p where p.certificate = c.fingerprint and not p.suspended order by address) as addresses,
        array(select address from keys.published_address p where p.certificate = c.fingerprint and p.suspended order by address) as suspended
      from keys.certificate c where fingerprint = any (${fingerprints.map(bytes)}::bytea[])`,
    { name: 'keys-find' },
  )
  return rows.map((row) => ({
    ...row,
    fingerprint: hex(row.fingerprint),
    forgetOn: row.forget_on ?? undefined,
  }))
}

/** Lookups of one statement: each may be four certificates of 256 KiB. */
const LOOKUPS_TOGETHER_MAX = 32

interface Lookup {
  readonly value: string
  readonly limit: number
}

/** Many at once share statements, as most of what a lookup costs is its statement. */
function lookups(db: Db): Pick<CertificateStore, 'serve' | 'serveMailbox'> {
  const options = { pauseMs: 0, togetherMax: LOOKUPS_TOGETHER_MAX }
  const together = (kind: Needle['kind']) =>
    gather((asked: readonly Lookup[]) => serveAll(db, kind, asked), options)
  const by = {
    fingerprint: together('fingerprint'),
    'key-id': together('key-id'),
    address: together('address'),
  } satisfies Record<Needle['kind'], unknown>
  return {
    serve: ({ kind, value }, limit) => by[kind]({ value, limit }),
    serveMailbox: gather((asked: readonly Mailbox[]) => serveMailboxes(db, asked), options),
  }
}

async function serveMailboxes(db: Db, asked: readonly Mailbox[]): Promise<(Buffer | undefined)[]> {
  const rows = await db.query<{ nth: number; served: Buffer }>(
    sql`select w.nth::int as nth, p.served from
      unnest(${asked.map(({ domain }) => domain)}::text[], ${asked.map(({ hash }) => hash)}::bytea[])
        with ordinality as w (domain, hash, nth)
      cross join lateral (
        select served from keys.published_address a
        where a.wkd_hash = w.hash and a.domain = w.domain and served is not null order by address limit 1) p`,
    { name: 'keys-serve-mailbox' },
  )
  const answers = new Map(rows.map(({ nth, served }) => [nth, served]))
  return asked.map((_, index) => answers.get(index + 1))
}

async function serveAll(db: Db, kind: Needle['kind'], asked: readonly Lookup[]): Promise<ServedRow[][]> {
  const values =
    kind === 'address'
      ? sql`${asked.map(({ value }) => value)}::text[]`
      : sql`${asked.map(({ value }) => bytes(value))}::bytea[]`
  const rows = await db.query<{ nth: number; fingerprint: Buffer; served: Buffer }>(
    sql`select w.nth::int as nth, k.fingerprint, k.served from unnest(${values}) with ordinality as w (value, nth)
      cross join lateral (${foundBy(kind, Math.max(...asked.map(({ limit }) => limit)))}) k order by w.nth, k.rank, k.fingerprint`,
    { name: `keys-serve-${kind}` },
  )
  const answers: ServedRow[][] = asked.map(() => [])
  for (const { nth, fingerprint, served } of rows) {
    const answer = answers[nth - 1]
    if (answer && answer.length < (asked[nth - 1]?.limit ?? 0))
      answer.push({ fingerprint: hex(fingerprint), bytes: served })
  }
  return answers
}

/** Certificates by `w.value`, with their place in the answer. */
function foundBy(kind: Needle['kind'], limit: number): Sql {
  const byKey = (found: Sql): Sql => sql`
    select c.fingerprint, c.served, min(k.rank) as rank
    from keys.component k join keys.certificate c on c.fingerprint = k.certificate
    where ${found} group by c.fingerprint order by 3, 1 limit ${limit}`
  if (kind === 'address')
    return sql`
      select c.fingerprint, c.served, 0 as rank from keys.published_address a
      join keys.certificate c on c.fingerprint = a.certificate where a.address = w.value and not a.suspended`
  if (kind === 'key-id') return byKey(sql`k.key_id = w.value`)
  // Most are of a primary key: then nothing more is looked for.
  return sql`
    select fingerprint, served, 0 as rank from keys.certificate where fingerprint = w.value
    union all (${byKey(sql`k.fingerprint = w.value and ${isNoPrimary(sql`w.value`)}`)})`
}

function isNoPrimary(fingerprint: Sql): Sql {
  return sql`not exists (select from keys.certificate where fingerprint = ${fingerprint})`
}

function prefixLog(db: Db): Pick<CertificateStore, 'prefixes' | 'forgetPrefixes'> {
  return {
    async prefixes(day, limit) {
      const rows = await db.query<{ prefix: Buffer }>(
        sql`select prefix from keys.prefix_log where day = ${day}::date order by prefix limit ${limit}`,
      )
      return rows.map(({ prefix }) => prefix.toString('hex'))
    },
    async forgetPrefixes(day) {
      await db.execute(sql`delete from keys.prefix_log where day <= ${day}::date`)
    },
  }
}

function tombstones(db: Db): Pick<CertificateStore, 'bury' | 'isBuried' | 'buriedAmong' | 'unbury'> {
  return {
    async bury(fingerprint) {
      await db.execute(sql`insert into keys.tombstone values (${bytes(fingerprint)}) on conflict do nothing`)
    },
    async isBuried(fingerprint) {
      const rows = await db.query(sql`select from keys.tombstone where fingerprint = ${bytes(fingerprint)}`)
      return rows.length > 0
    },
    async buriedAmong(fingerprints) {
      const rows = await db.query<{ fingerprint: Buffer }>(
        sql`select fingerprint from keys.tombstone where fingerprint = any (${fingerprints.map(bytes)}::bytea[])`,
      )
      return rows.map(({ fingerprint }) => hex(fingerprint))
    },
    async unbury(fingerprint) {
      await db.execute(sql`delete from keys.tombstone where fingerprint = ${bytes(fingerprint)}`)
    },
  }
}

/** From what is searched for to certificates `c`, in the order of the answer. */
function matches({ kind, value }: Needle): Sql {
  if (kind === 'address')
    return sql`from keys.published_address p join keys.certificate c on c.fingerprint = p.certificate where p.address = ${value} and not p.suspended`
  const key = sql`${bytes(value)}::bytea`
  const found =
    kind === 'key-id' ? sql`key_id = ${key}` : sql`fingerprint = ${key} and (rank = 0 or ${isNoPrimary(key)})`
  return sql`
    from (select certificate, min(rank) as rank from keys.component where ${found} group by certificate) k
    join keys.certificate c on c.fingerprint = k.certificate order by k.rank, c.fingerprint`
}

/** Ends the transaction of a row that is not written after all. */
class Taken extends Error {}

interface Published {
  readonly served: Buffer
  readonly addresses: readonly string[]
}

interface Locked extends Published {
  readonly revision: number
}

const NOTHING: Published = { served: Buffer.alloc(0), addresses: [] }

/** A row that is to be written; new when there is no revision. */
interface Write {
  readonly row: NewRow
  readonly revision: number | undefined
}

/** All of them or none, one after the other: what one lets go the next may have. False as `put`. */
async function write(
  { db, log }: { db: Db; log: LogWriter },
  writes: readonly [Write, ...Write[]],
): Promise<boolean> {
  try {
    return await db.transaction(async (tx) => {
      const known = writes.filter(({ revision }) => revision !== undefined)
      const locked = await lockPublished(
        tx,
        known.map(({ row }) => row.fingerprint),
      )
      if (known.some(({ row, revision }) => locked.get(row.fingerprint)?.revision !== revision)) return false
      for (const { row, revision } of writes) {
        if (revision === undefined) await insertRow(tx, row)
        else await updateRow(tx, row)
        await replaceParts(tx, row)
      }
      await logPrefixes(
        tx,
        writes.map(({ row }) => row),
      )
      await log.record(tx, servedBy(writes, locked))
      return true
    })
  } catch (error) {
    if (error instanceof Taken) return false
    throw error
  }
}

/**
 * What is served for which addresses, until this transaction changes it. Certificates that are not there are left out. In one order, so that no two of these
 * wait for each other.
 */
async function lockPublished(tx: Tx, fingerprints: readonly string[]): Promise<Map<string, Locked>> {
  if (fingerprints.length === 0) return new Map()
  const rows = await tx.query<Locked & { fingerprint: Buffer }>(sql`
    select fingerprint, revision, served,
      array(select address from keys.published_address p where p.certificate = c.fingerprint and not p.suspended) as addresses
    from keys.certificate c where fingerprint = any (${fingerprints.map(bytes)}::bytea[]) order by fingerprint for update`)
  return new Map(rows.map(({ fingerprint, ...row }) => [hex(fingerprint), row]))
}

/** What all of it changes. Withdrawn is an address that none of them has any more. */
function servedBy(writes: readonly Write[], locked: ReadonlyMap<string, Published>): Served {
  const each = writes.map(({ row }) => changesOf(locked.get(row.fingerprint) ?? NOTHING, row))
  const changes = each.flatMap((one) => one.changes)
  const shown = new Set(writes.flatMap(({ row }) => row.addresses))
  return {
    changes,
    before: each.flatMap((one) => one.before),
    withdrawn: changes.some(({ address }) => !shown.has(address)),
  }
}

/** What changes for the addresses of one certificate. */
function changesOf(before: Published, after: Published): Pick<Served, 'changes' | 'before'> {
  const same = before.served.equals(after.served)
  const changed = after.addresses.filter((address) => !same || !before.addresses.includes(address))
  const gone = before.addresses.filter((address) => !after.addresses.includes(address))
  const changes = [
    ...changed.map((address) => ({ address, after: after.served })),
    ...gone.map((address) => ({ address, after: undefined })),
  ]
  return { changes, before: before.addresses.length > 0 ? [before.served] : [] }
}

/** Throws Taken when there is one already. */
async function insertRow(tx: Tx, row: CertificateRow): Promise<void> {
  const rows = await tx.execute(sql`
    insert into keys.certificate (fingerprint, kept, served, listing, revision, forget_on, expires_on)
    values (${bytes(row.fingerprint)}, ${row.kept}, ${row.served}, ${JSON.stringify(row.listing)}::jsonb, 1, ${row.forgetOn ?? null}::date,
      ${expiryDay(row.listing) ?? null}::date)
    on conflict do nothing`)
  if (rows === 0) throw new Taken()
}

/** In three statements, however many there are; in one order, so that no two of these wait for each other. */
async function insertAll(tx: Tx, rows: readonly NewRow[]): Promise<string[]> {
  const inserted = await tx.query<{ fingerprint: Buffer }>(sql`
    insert into keys.certificate (fingerprint, kept, served, listing, revision, forget_on, expires_on)
    select decode(f, 'hex'), decode(k, 'hex'), decode(s, 'hex'), l, 1, o, e
    from unnest(${rows.map((row) => row.fingerprint)}::text[], ${rows.map(({ kept }) => kept.toString('hex'))}::text[],
      ${rows.map(({ served }) => served.toString('hex'))}::text[], ${rows.map(({ listing }) => JSON.stringify(listing))}::jsonb[],
      ${rows.map(({ forgetOn }) => forgetOn ?? null)}::date[], ${rows.map(({ listing }) => expiryDay(listing) ?? null)}::date[])
      as t (f, k, s, l, o, e)
    where not exists (select from keys.tombstone b where b.fingerprint = decode(f, 'hex'))
    order by f on conflict do nothing returning fingerprint`)
  const written = new Set(inserted.map(({ fingerprint }) => hex(fingerprint)))
  const fresh = rows.filter(({ fingerprint }) => written.has(fingerprint))
  const components = fresh.flatMap(({ fingerprint, listing }) =>
    componentsOf(listing).map((each) => ({ ...each, certificate: fingerprint })),
  )
  await tx.execute(sql`
    insert into keys.component (certificate, fingerprint, key_id, rank)
    select decode(c, 'hex'), decode(f, 'hex'), decode(k, 'hex'), r
    from unnest(${components.map(({ certificate }) => certificate)}::text[], ${components.map((each) => each.fingerprint)}::text[],
      ${components.map((each) => each.keyId)}::text[], ${components.map((each) => each.rank)}::smallint[]) as t (c, f, k, r)`)
  await logPrefixes(tx, fresh)
  return [...written]
}

async function updateRow(tx: Tx, row: CertificateRow): Promise<void> {
  await tx.execute(sql`
    update keys.certificate set kept = ${row.kept}, served = ${row.served}, listing = ${JSON.stringify(row.listing)}::jsonb,
      revision = revision + 1, forget_on = ${row.forgetOn ?? null}::date, expires_on = ${expiryDay(row.listing) ?? null}::date
    where fingerprint = ${bytes(row.fingerprint)}`)
}

/** In one order, as prefixes of several certificates may be the same. */
async function logPrefixes(tx: Tx, rows: readonly NewRow[]): Promise<void> {
  const changed = rows.filter(({ changedOn }) => changedOn !== undefined)
  if (changed.length === 0) return
  await tx.execute(sql`
    insert into keys.prefix_log (day, prefix)
    select d, decode(p, 'hex') from unnest(${changed.map(({ changedOn }) => changedOn ?? null)}::date[],
      ${changed.map(({ fingerprint }) => fingerprint.slice(0, 2 * PREFIX_BYTES))}::text[]) as t (d, p)
    order by d, p on conflict do nothing`)
}

/** The row is locked by now: nobody else writes its parts. */
async function replaceParts(tx: Tx, row: NewRow): Promise<void> {
  const certificate = bytes(row.fingerprint)
  const components = componentsOf(row.listing)
  await tx.execute(sql`delete from keys.component where certificate = ${certificate}`)
  await tx.execute(sql`
    insert into keys.component (certificate, fingerprint, key_id, rank)
    select ${certificate}, decode(f, 'hex'), decode(k, 'hex'), r
    from unnest(${components.map((each) => each.fingerprint)}::text[], ${components.map((each) => each.keyId)}::text[],
      ${components.map((each) => each.rank)}::smallint[]) as t (f, k, r)`)
  await replaceAddresses(tx, certificate, row)
}

/** Throws Taken when one of them belongs to another certificate. The mailbox of a suspended one is answered with nothing. */
async function replaceAddresses(
  tx: Tx,
  certificate: Buffer,
  { addresses, suspended, minimal }: NewRow,
): Promise<void> {
  const all = [...addresses, ...suspended]
  await tx.execute(
    sql`delete from keys.published_address where certificate = ${certificate} and address <> all (${all}::text[])`,
  )
  const mailboxes = all.map(mailboxOf)
  const written = await tx.execute(sql`
    insert into keys.published_address (address, certificate, domain, wkd_hash, served, suspended)
    select a, ${certificate}, d, decode(h, 'hex'), decode(s, 'hex'), o
    from unnest(${all}::text[], ${mailboxes.map(({ domain }) => domain)}::text[],
      ${mailboxes.map(({ hash }) => hash.toString('hex'))}::text[],
      ${all.map((_, index) => minimal[index]?.toString('hex') ?? null)}::text[],
      ${all.map((_, index) => index >= addresses.length)}::boolean[]) as t (a, d, h, s, o)
    on conflict (address) do update set served = excluded.served, suspended = excluded.suspended
      where published_address.certificate = excluded.certificate`)
  if (written < all.length) throw new Taken()
}

function suspensions(db: Db): Pick<CertificateStore, 'suspendedAddresses'> {
  return {
    async suspendedAddresses(after, limit) {
      const rows = await db.query<{ address: string }>(
        sql`select address from keys.published_address where suspended and address > ${after} order by address limit ${limit}`,
      )
      return rows.map(({ address }) => address)
    },
  }
}

interface ReminderSqlRow {
  address: string
  fingerprint: Buffer
  expires_on: string
  left_days: number
}

function remindersIn(db: Db): Pick<CertificateStore, 'dueReminders' | 'claimReminder' | 'releaseReminder'> {
  const place = ({ address, fingerprint }: Reminder): Sql =>
    sql`address = ${address} and certificate = ${bytes(fingerprint)}`
  return {
    async dueReminders(day, limit) {
      const rows = await db.query<ReminderSqlRow>(sql`
        select p.address, c.fingerprint, c.expires_on, c.expires_on - ${day}::date as left_days
        from keys.certificate c join keys.published_address p on p.certificate = c.fingerprint
        where c.expires_on > ${day}::date and c.expires_on <= ${day}::date + ${REMINDER_DAYS_MAX}::int
          and c.listing ->> 'revoked' is null and not p.suspended
          and (p.reminded_for is distinct from c.expires_on
            or p.reminded_days > case when c.expires_on - ${day}::date > 7 then 30 when c.expires_on - ${day}::date > 1 then 7 else 1 end)
        order by c.expires_on limit ${limit}`)
      return rows.flatMap((row) => {
        const days = reminderDays(row.left_days)
        if (days === undefined) return []
        return [{ address: row.address, fingerprint: hex(row.fingerprint), expiresOn: row.expires_on, days }]
      })
    },
    async claimReminder(reminder) {
      const { expiresOn, days } = reminder
      const rows = await db.execute(sql`
        update keys.published_address set reminded_for = ${expiresOn}::date, reminded_days = ${days}
        where ${place(reminder)} and not suspended and (reminded_for is distinct from ${expiresOn}::date or reminded_days > ${days})`)
      return rows > 0
    },
    async releaseReminder(reminder) {
      await db.execute(
        sql`update keys.published_address set reminded_for = null, reminded_days = null where ${place(reminder)}`,
      )
    },
  }
}
