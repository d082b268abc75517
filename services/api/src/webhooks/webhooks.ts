/** Webhooks: who is told of what happens here, and what is told. An event is durable once it is emitted; it reaches each endpoint at least once, in no order. */
import type { Tx } from '@sealpost/db'
import type { Clock, Random } from '@sealpost/runtime'
import { dayOf } from '../day.ts'
import type { EndpointAddresses } from './endpoint-address.ts'
import type { WebhookSecrets } from './signature.ts'
import type { Delivery, DeliveryQuery, WebhookEndpoint, WebhookStore } from './store.ts'
import { WebhookError } from './webhook-error.ts'

/** Kinds of events; each has some, named `KIND.WHAT`. */
export const EVENT_KINDS = [
  'account',
  'abuse',
  'incident',
  'maintenance',
  'organisation',
  'subscription',
  'webhook',
] as const
export type WebhookEventType = `${(typeof EVENT_KINDS)[number]}.${string}`

/** Ids, codes, numbers and times, never an address or name of a person. `account_id` is erased with the account. */
export type WebhookData = Readonly<Record<string, unknown>> & { readonly account_id?: string }

export interface NewEvent {
  readonly id: string
  readonly type: WebhookEventType
  readonly data: WebhookData
}

/** Writes an event into the transaction of what it tells of. */
export type Tell = (tx: Tx) => Promise<void>

/** What an endpoint may ask for: one event, all of a kind, or all. */
export const EVENT_PATTERN = new RegExp(
  String.raw`^(?:\*|(?:${EVENT_KINDS.join('|')})\.(?:\*|[a-z][a-z_]{0,40}))$`,
)

const ENDPOINTS_MAX = 50
/** How long the secret before goes on signing. */
const ROTATION_MS = 24 * 60 * 60_000

export interface WebhooksOptions {
  readonly store: WebhookStore
  readonly secrets: WebhookSecrets
  readonly addresses: Pick<EndpointAddresses, 'accepts'>
  readonly clock: Clock
  readonly random: Random
  /** Something is due now. */
  readonly wake: () => void
}

export interface NewEndpoint {
  readonly url: string
  readonly label: string
  readonly events: readonly string[]
}

/** Refusals are WebhookErrors. */
export class Webhooks {
  readonly #options: WebhooksOptions

  constructor(options: WebhooksOptions) {
    this.#options = options
  }

  /** Durable when it resolves: told to all active endpoints that ask for it, at least once. */
  emit(type: WebhookEventType, data: WebhookData): Promise<void> {
    return this.emitAll([{ id: this.#options.random.uuid(), type, data }])
  }

  /** A change and its event, durable together or not at all: `change` has to call `tell` in the transaction in which it makes the change. */
  async along<T>(type: WebhookEventType, data: WebhookData, change: (tell: Tell) => Promise<T>): Promise<T> {
    const event = { id: this.#options.random.uuid(), type, data }
    const wanting = (await this.#active()).filter((each) => isWanted(type, each.events))
    const result = await change((tx) => this.#write(wanting, event, tx))
    this.#options.wake()
    return result
  }

  /** Many at once. An event that is emitted again under the same id, while it waits, is one event. */
  async emitAll(events: readonly NewEvent[]): Promise<void> {
    const endpoints = await this.#active()
    for (const event of events)
      await this.#send(
        endpoints.filter((each) => isWanted(event.type, each.events)),
        event,
      )
  }

  /** An event for one endpoint alone, whatever it asks for. Throws WEBHOOK_UNKNOWN. */
  async test(endpointId: string): Promise<WebhookEndpoint> {
    const endpoint = await this.show(endpointId)
    const id = this.#options.random.uuid()
    await this.#send([endpoint], { id, type: 'webhook.test', data: { webhook_id: endpointId } })
    return endpoint
  }

  async add(wanted: NewEndpoint): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    const { store, random, clock, secrets } = this.#options
    this.#check(wanted.url)
    const endpoint: WebhookEndpoint = {
      ...wanted,
      id: random.uuid(),
      secretVersion: 1,
      previousUntil: undefined,
      disabled: undefined,
      createdOn: dayOf(clock.now()),
      deliveredOn: undefined,
      failingSince: undefined,
    }
    if (!(await store.addEndpoint(endpoint, ENDPOINTS_MAX))) throw new WebhookError('WEBHOOK_LIMIT')
    return { endpoint, secret: secrets.show(endpoint.id, endpoint.secretVersion) }
  }

  list(): Promise<WebhookEndpoint[]> {
    return this.#options.store.endpoints()
  }

  async show(id: string): Promise<WebhookEndpoint> {
    return known(await this.#options.store.endpoint(id))
  }

  /** Disabling gives up what waits; enabling begins with what happens from then on. */
  async change(id: string, change: Partial<NewEndpoint> & { enabled?: boolean }): Promise<WebhookEndpoint> {
    const { store, clock } = this.#options
    const { enabled, ...fields } = change
    if (fields.url !== undefined) this.#check(fields.url)
    const disabled = enabled === undefined ? {} : { disabled: enabled ? undefined : ('operator' as const) }
    const changed = known(await store.changeEndpoint(id, { ...fields, ...disabled }))
    if (enabled === false) await store.giveUp(id, clock.now())
    return changed
  }

  async remove(id: string): Promise<void> {
    if (!(await this.#options.store.removeEndpoint(id))) throw new WebhookError('WEBHOOK_UNKNOWN')
  }

  /** A new secret; the one before signs beside it for a day. */
  async rotate(id: string): Promise<{ endpoint: WebhookEndpoint; secret: string }> {
    const { store, secrets, clock } = this.#options
    const { secretVersion } = await this.show(id)
    const endpoint = known(
      await store.changeEndpoint(id, {
        secretVersion: secretVersion + 1,
        previousUntil: clock.now() + ROTATION_MS,
      }),
    )
    return { endpoint, secret: secrets.show(id, endpoint.secretVersion) }
  }

  /** What waits, and what was given up. */
  deliveries(query: DeliveryQuery): Promise<Delivery[]> {
    return this.#options.store.deliveries(query)
  }

  async delivery(id: string): Promise<Delivery> {
    const found = await this.#options.store.delivery(id)
    if (found === undefined) throw new WebhookError('DELIVERY_UNKNOWN')
    return found
  }

  /** Sends what was given up again, with all attempts before it. */
  async redeliver(id: string): Promise<Delivery> {
    const { store, clock, wake } = this.#options
    const { state } = await this.delivery(id)
    if (state !== 'dead') throw new WebhookError('DELIVERY_WAITING')
    await store.redeliver({ id }, clock.now())
    wake()
    return this.delivery(id)
  }

  /** All that was given up for one endpoint; how many. */
  async redeliverAll(endpointId: string): Promise<number> {
    const { store, clock, wake } = this.#options
    await this.show(endpointId)
    const count = await store.redeliver({ endpointId }, clock.now())
    wake()
    return count
  }

  #check(url: string): void {
    if (!this.#options.addresses.accepts(url)) throw new WebhookError('WEBHOOK_URL_REFUSED')
  }

  async #active(): Promise<WebhookEndpoint[]> {
    return (await this.#options.store.endpoints()).filter(({ disabled }) => disabled === undefined)
  }

  async #send(to: readonly WebhookEndpoint[], event: NewEvent): Promise<void> {
    await this.#write(to, event)
    if (to.length > 0) this.#options.wake()
  }

  async #write(to: readonly WebhookEndpoint[], { id, type, data }: NewEvent, tx?: Tx): Promise<void> {
    if (to.length === 0) return
    const { store, clock, random } = this.#options
    await store.addEvent(
      { id, type, data: JSON.stringify(data), createdAt: clock.now(), accountId: data.account_id },
      to.map((endpoint) => ({ id: random.uuid(), endpointId: endpoint.id })),
      tx,
    )
  }
}

function known(endpoint: WebhookEndpoint | undefined): WebhookEndpoint {
  if (endpoint === undefined) throw new WebhookError('WEBHOOK_UNKNOWN')
  return endpoint
}

function isWanted(type: string, events: readonly string[]): boolean {
  const [kind = ''] = type.split('.')
  return events.some((event) => event === '*' || event === type || event === `${kind}.*`)
}
