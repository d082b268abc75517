import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { toDbError } from './db-error.ts'
import { watchClient } from './watch-client.ts'

interface LockOptions {
  readonly config: ClientConfig
  readonly key: bigint
  readonly onLost: () => void
}

/** See Db.lock. */
export async function lock(options: LockOptions): Promise<AsyncDisposable | undefined> {
  const client = new Client(options.config)
  client.on('error', () => undefined)
  let held: boolean
  try {
    await client.connect()
    const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock($1) as held', [
      options.key,
    ])
    held = rows[0]?.held === true
  } catch (error) {
    void client.end().catch(() => undefined)
    throw toDbError(error)
  }
  if (!held) {
    await client.end()
    return undefined
  }
  let released = false
  watchClient(client, () => {
    if (!released) options.onLost()
  })
  return {
    // Ending the session gives the lock back.
    [Symbol.asyncDispose]: async () => {
      released = true
      await client.end().catch(() => undefined)
    },
  }
}
