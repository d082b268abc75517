import { sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import type { Bus, BusOptions } from './bus.ts'
import { Dispatcher } from './dispatcher.ts'
import { readEvent, writeEvent } from './event-text.ts'

const CHANNEL = 'sealpost_bus'

/**
 * The bus of several processes over one Postgres, by NOTIFY. Publishing goes through the pool of `db` and throws its errors;
 * events reach the publishing process by the same way as all others. `db` stays the caller's.
 */
export async function createPostgresBus(db: Db, options: BusOptions = {}): Promise<Bus> {
  const dispatcher = new Dispatcher(options)
  const onPayload = (text: string): void => {
    const event = readEvent(text)
    if (event !== undefined) dispatcher.dispatch(event.topic, event.payload)
  }
  const subscription = await db.listen(CHANNEL, onPayload, () => dispatcher.reset())
  return {
    publish: async (topic, payload) => {
      const text = writeEvent(topic, payload)
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
