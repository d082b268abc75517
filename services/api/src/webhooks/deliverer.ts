/**
 * Sends what is due, a few at a time to each endpoint, so that a slow one keeps none of the others waiting. What is being sent is leased, not removed: after a crash it
 * is sent again.
 */
import { type Clock, type Random, Supervisor } from '@sealpost/runtime'
import { dayOf } from '../day.ts'
import type { EndpointAddresses } from './endpoint-address.ts'
import { postWebhook, type PostResult } from './post.ts'
import { nextPause } from './schedule.ts'
import type { WebhookSecrets } from './signature.ts'
import type { Delivery, DisabledReason, WebhookEndpoint, WebhookStore } from './store.ts'

/** At once to one endpoint; there are fifty endpoints at most. */
const PER_ENDPOINT_MAX = 4
/** Other processes of ours emit too. */
const LOOK_MS = 5_000
/** Longer than an attempt may take. */
const LEASE_MS = 60_000
const SWEEP_MS = 10 * 60_000
const DAY_MS = 24 * 60 * 60_000
const DEAD_KEPT_MS = 30 * DAY_MS
/** An endpoint that fails when a delivery is given up, and has for so long, is disabled. */
const FAILING_MS = 2 * DAY_MS
/** Deliveries that may wait for one endpoint. */
const WAITING_MAX = 100_000

export interface DelivererOptions {
  readonly store: WebhookStore
  readonly secrets: WebhookSecrets
  readonly addresses: EndpointAddresses
  readonly clock: Clock
  readonly random: Random
  /** Our first domain, for User-Agent. */
  readonly host: string
  /** An endpoint was disabled; whoever runs the server is told. */
  readonly onDisabled: (endpoint: WebhookEndpoint, reason: DisabledReason) => Promise<void>
  readonly onResult: (outcome: string) => void
  readonly onError: (error: unknown) => void
}

export class Deliverer implements AsyncDisposable {
  readonly #options: DelivererOptions
  readonly #supervisor: Supervisor
  readonly #stopping = new AbortController()
  readonly #stack = new DisposableStack()
  /** How many are being sent to each endpoint. */
  readonly #running = new Map<string, number>()
  #looking = false
  #again = false

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#supervisor = new Supervisor(options.onError)
    this.#stack.use(options.clock.every(LOOK_MS, () => this.wake()))
    this.#stack.use(options.clock.every(SWEEP_MS, () => this.#sweep()))
    this.wake()
  }

  /** Looks for what is due, soon. */
  wake(): void {
    if (this.#stopping.signal.aborted) return
    this.#again = true
    if (!this.#looking) this.#supervisor.spawn(this.#look())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stack.dispose()
    this.#stopping.abort(new Error('The webhooks stop'))
    await this.#supervisor.idle()
  }

  async #look(): Promise<void> {
    const { store, clock } = this.#options
    this.#looking = true
    try {
      while (this.#again && !this.#stopping.signal.aborted) {
        this.#again = false
        for (const endpointId of await store.due(clock.now())) await this.#begin(endpointId)
      }
    } finally {
      this.#looking = false
    }
  }

  async #begin(endpointId: string): Promise<void> {
    const { store, clock } = this.#options
    const free = PER_ENDPOINT_MAX - (this.#running.get(endpointId) ?? 0)
    if (free <= 0) return
    const endpoint = await store.endpoint(endpointId)
    if (endpoint === undefined) return
    const now = clock.now()
    for (const delivery of await store.claim(endpointId, free, now, now + LEASE_MS)) {
      this.#running.set(endpointId, (this.#running.get(endpointId) ?? 0) + 1)
      this.#supervisor.spawn(this.#deliver(endpoint, delivery).finally(() => this.#ended(endpointId)))
    }
  }

  #ended(endpointId: string): void {
    const left = (this.#running.get(endpointId) ?? 1) - 1
    if (left === 0) this.#running.delete(endpointId)
    else this.#running.set(endpointId, left)
    this.wake()
  }

  async #deliver(endpoint: WebhookEndpoint, delivery: Delivery): Promise<void> {
    const { clock, addresses } = this.#options
    const { signal } = this.#stopping
    const post = this.#write(endpoint, delivery)
    const result = await postWebhook(post, { addresses, clock, signal })
    if (signal.aborted && result.result === 'failed') return // Its lease ends, and it is sent again.
    await this.#settle(endpoint, delivery, result)
  }

  /** Standard Webhooks 1.0: the id is that of the event, the time that of the attempt. */
  #write({ id, url, secretVersion, previousUntil = 0 }: WebhookEndpoint, { event }: Delivery) {
    const { clock, secrets, host } = this.#options
    const now = clock.now()
    const timestamp = Math.floor(now / 1000)
    const at = JSON.stringify(new Date(event.createdAt).toISOString())
    const body = `{"type":${JSON.stringify(event.type)},"timestamp":${at},"data":${event.data}}`
    const versions = previousUntil > now ? [secretVersion, secretVersion - 1] : [secretVersion]
    const headers = {
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'user-agent': `Sealpost-Webhooks (${host})`,
      'webhook-id': event.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': secrets.sign(id, versions, { id: event.id, timestamp, body }),
    }
    return { url, headers, body }
  }

  async #settle(endpoint: WebhookEndpoint, delivery: Delivery, result: PostResult): Promise<void> {
    const { store, clock, random, onResult } = this.#options
    const now = clock.now()
    onResult(result.result === 'failed' ? result.outcome : result.result)
    if (result.result === 'delivered') return store.delivered(delivery, dayOf(now))
    if (result.result === 'gone') {
      await store.failed(delivery, 'status-410', now, undefined)
      return this.#disable(endpoint, 'gone')
    }
    const fraction = random.bytes(1).readUInt8() / 256
    const pause = nextPause(delivery.attempts + 1, fraction, result.retryAfterMs)
    await store.failed(delivery, result.outcome, now, pause === undefined ? undefined : now + pause)
    if (pause !== undefined) return
    const { failingSince = now } = (await store.endpoint(endpoint.id)) ?? {}
    if (failingSince <= now - FAILING_MS) await this.#disable(endpoint, 'failing')
  }

  async #disable(endpoint: WebhookEndpoint, reason: DisabledReason): Promise<void> {
    const { store, clock, onDisabled } = this.#options
    const current = await store.endpoint(endpoint.id)
    if (current === undefined || current.disabled !== undefined) return
    await store.changeEndpoint(endpoint.id, { disabled: reason })
    await store.giveUp(endpoint.id, clock.now())
    await onDisabled(current, reason)
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#options
    await store.eraseDead(clock.now() - DEAD_KEPT_MS)
    for (const endpoint of await store.endpoints())
      if (endpoint.disabled === undefined && (await store.waiting(endpoint.id)) > WAITING_MAX)
        await this.#disable(endpoint, 'overrun')
  }
}
