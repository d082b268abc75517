import { Client } from 'pg'
import type { ClientConfig } from 'pg'
import { systemClock } from '@sealpost/runtime'
import { identifier } from './connection.ts'
import { toDbError } from './db-error.ts'
import { watchClient } from './watch-client.ts'

interface ListenOptions {
  readonly config: ClientConfig
  readonly channel: string
  readonly onPayload: (payload: string) => void
  readonly onReset: () => void
  readonly onError: (error: unknown) => void
}

const BACKOFF_MS_MIN = 50
const BACKOFF_MS_MAX = 5_000

/** See Db.listen. */
export async function listen(options: ListenOptions): Promise<AsyncDisposable> {
  const listener = new Listener(options)
  await listener.connect()
  return listener
}

class Listener implements AsyncDisposable {
  readonly #options: ListenOptions
  #client: Client | undefined
  #retry: Disposable | undefined
  #backoffMs = BACKOFF_MS_MIN
  #closed = false

  constructor(options: ListenOptions) {
    identifier(options.channel)
    this.#options = options
  }

  async connect(): Promise<void> {
    const client = new Client(this.#options.config)
    client.on('notification', (message) => this.#options.onPayload(message.payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${this.#options.channel}`)
    } catch (error) {
      client.on('error', () => undefined)
      void client.end().catch(() => undefined)
      throw toDbError(error)
    }
    if (this.#closed) return client.end()
    this.#client = client
    this.#backoffMs = BACKOFF_MS_MIN
    watchClient(client, (error) => {
      this.#client = undefined
      if (error !== undefined) this.#options.onError(error)
      this.#reconnectLater()
    })
    this.#options.onReset()
  }

  #reconnectLater(): void {
    if (this.#closed) return
    this.#retry = systemClock.after(this.#backoffMs, () => {
      this.connect().catch((error: unknown) => {
        this.#options.onError(error)
        this.#reconnectLater()
      })
    })
    this.#backoffMs = Math.min(this.#backoffMs * 2, BACKOFF_MS_MAX)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#retry?.[Symbol.dispose]()
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => undefined)
  }
}
