import type { Client } from 'pg'
import { systemClock } from '@sealpost/runtime'

const PING_EVERY_MS = 5_000
const PING_TIMEOUT_MS = 5_000

/**
 * Calls `onGone` once when the connection ends, fails, or no longer answers within 10 s; the connection is closed then.
 * Also after an orderly `end()`: the caller knows whether it wished that.
 */
export function watchClient(client: Client, onGone: (error: Error | undefined) => void): void {
  let gone = false
  let late: Disposable | undefined
  const finish = (reason: Error | undefined): void => {
    if (gone) return
    gone = true
    pings[Symbol.dispose]()
    late?.[Symbol.dispose]()
    closeQuietly(client)
    onGone(reason)
  }
  const pings = systemClock.every(PING_EVERY_MS, async () => {
    late = systemClock.after(PING_TIMEOUT_MS, () => {
      destroy(client)
      finish(new Error('Connection terminated: no answer'))
    })
    try {
      await client.query('select 1')
    } catch (error) {
      finish(error as Error)
    } finally {
      late[Symbol.dispose]()
    }
  })
  client.on('error', (error) => finish(error))
  client.on('end', () => finish(undefined))
}

function closeQuietly(client: Client): void {
  client.end().catch(() => undefined)
}

/** The driver's `end()` waits for the peer, which does not answer. */
function destroy(client: Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}
