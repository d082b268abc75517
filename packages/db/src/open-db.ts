import { Pool } from 'pg'
import type { PoolClient, QueryConfig, QueryResult } from 'pg'
import type { Sql } from 'sql-template-tag'
import { systemClock } from '@sealpost/runtime'
import { clientConfig } from './connection.ts'
import { DbError, isConnectionError, toDbError } from './db-error.ts'
import { listen } from './listen.ts'
import { lock } from './lock.ts'
import { countPool } from './pools.ts'

/** `name`: the statement is prepared once on each connection; one name stands for one text. */
export interface QueryOptions {
  readonly name?: string
}

/** What runs statements: the pool (each for itself) or a transaction. */
export interface Tx {
  /** The rows. `Row` is the caller's word for their shape: int8 is a number, date the text YYYY-MM-DD, timestamptz a Date, bytea a Buffer. */
  query<Row>(statement: Sql, options?: QueryOptions): Promise<Row[]>
  /** The number of rows affected. */
  execute(statement: Sql, options?: QueryOptions): Promise<number>
}

/** All methods throw DbError; see isConnectionError for the ones that mean "Postgres is away". */
export interface Db extends Tx, AsyncDisposable {
  /** Commits when `work` resolves, rolls back when it throws. Nothing is tried again. */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Hears NOTIFY on `channel` on a connection of its own, which comes back by itself. `onReset` runs after each (re)connect,
   * the first included, before any payload: what was sent in between is lost, so re-read the truth. Throws if the first connect fails.
   */
  listen(channel: string, onPayload: (payload: string) => void, onReset: () => void): Promise<AsyncDisposable>
  /**
   * Takes a session-level advisory lock on a connection of its own; undefined when another session holds it.
   * `onLost` runs once, if the connection goes before the lock is disposed: at the latest 10 s after Postgres stopped to answer.
   */
  lock(key: bigint, onLost: () => void): Promise<AsyncDisposable | undefined>
}

export interface DbOptions {
  readonly url: string
  /** Role taken on by each session (`-c role=…`). */
  readonly role?: string
  /** Connections at most; 10 unless told. */
  readonly poolSize?: number
  /** Time for a statement; 30 s unless told. A server that does not answer at all is given up 5 s later. */
  readonly statementMs?: number
  /** Hears of idle connections that fail and of a LISTEN connection that is being restored. */
  readonly onError?: (error: Error) => void
}

const POOL_SIZE = 10
/** Statements that may wait for a connection at once; more fail with DB_BUSY. */
const WAITING_MAX = 5_000
/** How long the first connection may take, Postgres perhaps still starting. */
const FIRST_CONNECT_MS_MAX = 5_000
const FIRST_CONNECT_PAUSE_MS = 100
/** How long disposal waits for the server to close the connections. */
const CLOSE_MS_MAX = 1_000

/** Opens a pool and proves it with one connection. The pool outlives restarts of Postgres: statements fail meanwhile, then work again. */
export async function openDb(options: DbOptions): Promise<Db> {
  const config = clientConfig(options.url, options.role, options.statementMs)
  let closing = false
  const onError = (error: unknown): void => {
    if (!closing) options.onError?.(toDbError(error) as Error)
  }
  const pool = new Pool({ ...config, max: options.poolSize ?? POOL_SIZE })
  pool.on('error', onError)
  // A connection that breaks while checked out tells its query; without a listener the event would end the process.
  pool.on('connect', (client) => void client.on('error', () => undefined))
  const connections = new OpenConnections(pool)
  try {
    await proveConnection(pool, options.role)
  } catch (error) {
    await pool.end()
    throw error
  }
  const counted = countPool(pool)
  return {
    ...statements((query) => withClient(pool, (client) => send(client, query))),
    transaction: (work) => withClient(pool, (client) => inTransaction(client, work)),
    listen: (channel, onPayload, onReset) => listen({ config, channel, onPayload, onReset, onError }),
    lock: (key, onLost) => lock({ config, key, onLost }),
    [Symbol.asyncDispose]: async () => {
      if (closing) return
      closing = true
      counted[Symbol.dispose]()
      await pool.end()
      await connections.closed()
    },
  }
}

/** The pool's `end()` does not wait for the server to hear of it: whoever stops the server next would seem to break the connections. */
class OpenConnections {
  readonly #open = new Set<PoolClient>()
  readonly #none = Promise.withResolvers<void>()

  constructor(pool: Pool) {
    pool.on('connect', (client) => void this.#open.add(client))
    pool.on('remove', (client) => {
      this.#open.delete(client)
      if (pool.ended && this.#open.size === 0) this.#none.resolve()
    })
  }

  /** After the pool has ended: resolves when the server has closed every connection, or has not for CLOSE_MS_MAX. */
  async closed(): Promise<void> {
    if (this.#open.size === 0) return
    const late = systemClock.after(CLOSE_MS_MAX, this.#none.resolve)
    await this.#none.promise
    late[Symbol.dispose]()
  }
}

async function proveConnection(pool: Pool, role: string | undefined): Promise<void> {
  const deadline = systemClock.monotonic() + FIRST_CONNECT_MS_MAX
  for (;;) {
    try {
      const { rows } = await withClient(pool, (client) => send(client, 'select current_user as role'))
      if (role !== undefined && rows[0]?.['role'] !== role)
        throw new DbError('DB_ROLE', 'Postgres did not take on the role of this schema')
      return
    } catch (error) {
      if (!isConnectionError(error) || systemClock.monotonic() > deadline) throw error
      await new Promise<void>((resolve) => void systemClock.after(FIRST_CONNECT_PAUSE_MS, resolve))
    }
  }
}

/** Runs `use` on a pooled connection. A connection that may be broken is closed instead of going back. */
async function withClient<T>(pool: Pool, use: (client: PoolClient) => Promise<T>): Promise<T> {
  if (pool.waitingCount >= WAITING_MAX) throw new DbError('DB_BUSY', 'Too many statements wait for Postgres')
  const client = await wrapped(() => pool.connect())
  try {
    const result = await use(client)
    client.release()
    return result
  } catch (error) {
    client.release(isConnectionError(error))
    throw error
  }
}

type Result = QueryResult<Record<string, unknown>>

function send(client: PoolClient, query: string | QueryConfig): Promise<Result> {
  return wrapped(() => client.query<Record<string, unknown>>(query))
}

export async function wrapped<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw toDbError(error)
  }
}

export function statements(run: (query: QueryConfig) => Promise<Result>): Tx {
  const prepare = (statement: Sql, options: QueryOptions | undefined): QueryConfig =>
    options?.name === undefined
      ? { text: statement.text, values: statement.values }
      : { name: options.name, text: statement.text, values: statement.values }
  return {
    query: async <Row>(statement: Sql, options?: QueryOptions) =>
      (await run(prepare(statement, options))).rows as Row[],
    execute: async (statement, options) => (await run(prepare(statement, options))).rowCount ?? 0,
  }
}

async function inTransaction<T>(client: PoolClient, work: (tx: Tx) => Promise<T>): Promise<T> {
  await send(client, 'begin')
  let result: T
  try {
    result = await work(statements((query) => send(client, query)))
  } catch (error) {
    // On a broken connection the server rolls back by itself.
    if (!isConnectionError(error)) await send(client, 'rollback')
    throw error
  }
  await send(client, 'commit')
  return result
}
