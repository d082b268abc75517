/** A migrated database and a keyring directory of their own for each test. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDb, sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { Client } from 'pg'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { storeOptions } from './_store-options.ts'
import { openSealedStore } from './sealed-store.ts'
import type { QueueKey, SealedStore, SealedStoreOptions } from './sealed-store.ts'

export interface Fixture extends AsyncDisposable {
  readonly url: string
  readonly db: Db
  readonly directory: string
  open(changes?: Partial<SealedStoreOptions>): Promise<SealedStore>
  rowCount(): Promise<number>
  /** A statement of the superuser, on a connection of its own. */
  administer(statement: string): Promise<number>
  /** Ends all sessions of the database but the one that runs this; those that hold an advisory lock only, if told. Returns how many. */
  cut(which?: 'all' | 'locks'): Promise<number>
}

export async function createFixture(): Promise<Fixture> {
  await using stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp' }))
  const directory = await mkdtemp(join(tmpdir(), 'sealed-store-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const owned = stack.move()
  const administer = async (statement: string): Promise<number> => {
    const client = new Client({ connectionString: url, options: '-c default_transaction_read_only=off' })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query(statement)).rowCount ?? 0
    } finally {
      await client.end()
    }
  }
  return {
    url,
    db,
    directory,
    open: (changes) => openSealedStore({ ...storeOptions(db, directory), ...changes }),
    rowCount: async () => {
      const [row] = await db.query<{ count: number }>(sql`select count(*) from xmpp.sealed`)
      return row?.count ?? 0
    },
    administer,
    cut: (which = 'all') =>
      administer(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          ${which === 'locks' ? "and pid in (select pid from pg_locks where locktype = 'advisory')" : ''}`),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** As after a failover to a standby: every session, old or new, finds the database read-only. */
export async function setReadOnly(fixture: Fixture, readOnly: boolean): Promise<void> {
  const name = new URL(fixture.url).pathname.slice(1)
  await fixture.administer(
    `alter database ${name} set default_transaction_read_only = ${readOnly ? 'on' : 'off'}`,
  )
  await fixture.cut()
}

export function newQueue(): QueueKey {
  return { account: randomUUID(), device: randomUUID() }
}

/** A second in the far future. */
export const LATER = 4_000_000_000

export async function texts(store: SealedStore, queue: QueueKey, afterSeq = 0): Promise<string[]> {
  return (await store.read(queue, afterSeq, 10_000, 1e9)).map(({ plaintext }) => plaintext.toString())
}
