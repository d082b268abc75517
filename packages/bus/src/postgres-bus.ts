import { sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { OperationalError } from '@sealpost/errors'
import type { Bus, BusOptions } from './bus.ts'
import { Dispatcher } from './dispatcher.ts'

const CHANNEL = 'sealpost_bus'

/** Postgres refuses payloads of 8,000 bytes and more. */
const PAYLOAD_BYTES_MAX = 7_999

/**
 * The bus of several processes over one Postgres, by NOTIFY. Publishing goes through the pool of `db` and throws its errors;
 * events reach the publishing process by the same way as all others. `db` stays the caller's.
 */
export async function createPostgresBus(db: Db, options: BusOptions = {}): Promise<Bus> {
  const dispatcher = new Dispatcher(options)
  const onPayload = (text: string): void => {
    const event = parseEvent(text)
    if (event !== undefined) dispatcher.dispatch(event.topic, event.payload)
  }
  const subscription = await db.listen(CHANNEL, onPayload, () => dispatcher.reset())
  return {
    publish: async (topic, payload) => {
      const text = JSON.stringify([topic, payload])
      if (Buffer.byteLength(text) > PAYLOAD_BYTES_MAX)
        throw new OperationalError('BUS_PAYLOAD_TOO_LARGE', 'An event exceeds 7,999 bytes')
      await db.execute(sql`select pg_notify(${CHANNEL}, ${text})`, { name: 'bus-publish' })
    },
    subscribe: (topic, handler) => dispatcher.subscribe(topic, handler as (payload: unknown) => void),
    onReset: (handler) => dispatcher.onReset(handler),
    [Symbol.asyncDispose]: async () => {
      dispatcher.clear()
      await subscription[Symbol.asyncDispose]()
    },
  }
}

/** Whoever can connect to the database can send on the channel: what is no event of ours is dropped. */
function parseEvent(text: string): { topic: string; payload: unknown } | undefined {
  try {
    const event: unknown = JSON.parse(text)
    if (!Array.isArray(event) || event.length !== 2) return undefined
    const [topic, payload] = event as [unknown, unknown]
    return typeof topic === 'string' ? { topic, payload } : undefined
  } catch {
    return undefined
  }
}
