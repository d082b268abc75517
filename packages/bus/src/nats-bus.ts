/** The bus of services on many hosts, over NATS core: at most once, in order of each publisher. No JetStream: events only invalidate. */
import type { NatsConnection } from '@nats-io/transport-node'
import { OperationalError } from '@sealpost/errors'
import type { Bus, BusOptions } from './bus.ts'
import { Dispatcher } from './dispatcher.ts'
import { readEvent, writeEvent } from './event-text.ts'

const SUBJECT = 'sealpost.events'
const CONNECT_MS_MAX = 5_000
const PUBLISH_MS_MAX = 5_000
const RECONNECT_MS = 500
const PING_MS = 20_000
const UNANSWERED_PINGS_MAX = 2

export interface NatsBusOptions extends BusOptions {
  /** `nats://HOST:PORT`, or `tls://`. */
  readonly url: URL
  /** What the servers ask for; undefined: nothing. */
  readonly token: string | undefined
  /** Hears of each connection that breaks; the next is made by itself. */
  readonly onConnectionError?: (error: unknown) => void
}

/** Throws BUS_UNREACHABLE when nobody is there to begin with. Publishing waits for the server's word, and throws BUS_AWAY without it. */
export async function createNatsBus(options: NatsBusOptions): Promise<Bus> {
  const dispatcher = new Dispatcher(options)
  const connection = await open(options)
  connection.subscribe(SUBJECT, {
    callback: (_error, message) => {
      const event = readEvent(message.string())
      if (event !== undefined) dispatcher.dispatch(event.topic, event.payload)
    },
  })
  await connection.flush()
  const followed = follow(connection, { dispatcher, onConnectionError: options.onConnectionError })
  return {
    publish: async (topic, payload) => {
      const text = writeEvent(topic, payload)
      try {
        connection.publish(SUBJECT, text)
        await inTime(connection.flush())
      } catch (cause) {
        throw new OperationalError('BUS_AWAY', 'NATS does not answer', { cause })
      }
    },
    subscribe: (topic, handler) => dispatcher.subscribe(topic, handler as (payload: unknown) => void),
    onReset: (handler) => dispatcher.onReset(handler),
    [Symbol.asyncDispose]: async () => {
      dispatcher.clear()
      await connection.close()
      await followed
    },
  }
}

async function open({ url, token }: NatsBusOptions): Promise<NatsConnection> {
  const { connect } = await import('@nats-io/transport-node') // most servers have no NATS, and need not load its client
  try {
    return await connect({
      servers: url.host,
      name: 'sealpost',
      timeout: CONNECT_MS_MAX,
      maxReconnectAttempts: -1,
      reconnectTimeWait: RECONNECT_MS,
      // A token that is refused may be a new one that the server has not read yet.
      ignoreAuthErrorAbort: true,
      pingInterval: PING_MS,
      maxPingOut: UNANSWERED_PINGS_MAX,
      ...(token === undefined ? {} : { token }),
      ...(url.protocol === 'tls:' ? { tls: {} } : {}),
    })
  } catch (cause) {
    throw new OperationalError('BUS_UNREACHABLE', 'The NATS that EVENT_BUS names cannot be used', { cause })
  }
}

interface Follower {
  readonly dispatcher: Dispatcher
  readonly onConnectionError: ((error: unknown) => void) | undefined
}

/** After a break events may have been missed. Ends with the connection. */
async function follow(
  connection: NatsConnection,
  { dispatcher, onConnectionError }: Follower,
): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') onConnectionError?.(new OperationalError('BUS_AWAY', 'NATS is away'))
    if (type !== 'reconnect') continue
    // Once the server has answered it has the subscription, too. If it is gone again, the next one tells.
    const isBack = await inTime(connection.flush()).then(
      () => true,
      () => false,
    )
    if (isBack) dispatcher.reset()
  }
}

async function inTime(flushed: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('late')), PUBLISH_MS_MAX)
  try {
    await Promise.race([flushed, late.promise])
  } finally {
    clearTimeout(timer)
    flushed.catch(() => undefined)
  }
}
