/** Where endpoints, events and deliveries of webhooks are kept. Times in milliseconds since the epoch. One contract: store.test.ts. */
import type { Tx } from '@sealpost/db'

/** Why nothing is sent to an endpoint: an administrator said so, it failed for days, it answered 410, too much waited for it. */
export type DisabledReason = 'operator' | 'failing' | 'gone' | 'overrun'

export interface WebhookEndpoint {
  readonly id: string
  readonly url: string
  readonly label: string
  readonly events: readonly string[]
  readonly secretVersion: number
  /** Until when the secret before signs too. */
  readonly previousUntil: number | undefined
  /** Undefined: it is active. */
  readonly disabled: DisabledReason | undefined
  readonly createdOn: string
  readonly deliveredOn: string | undefined
  readonly failingSince: number | undefined
}

export type EndpointChange = Partial<
  Pick<WebhookEndpoint, 'url' | 'label' | 'events' | 'secretVersion' | 'previousUntil' | 'disabled'>
>

export interface WebhookEvent {
  readonly id: string
  readonly type: string
  /** JSON. */
  readonly data: string
  readonly createdAt: number
  readonly accountId: string | undefined
}

export type DeliveryState = 'waiting' | 'dead'

export interface Delivery {
  readonly id: string
  readonly endpointId: string
  readonly event: WebhookEvent
  readonly state: DeliveryState
  readonly attempts: number
  readonly nextAt: number
  readonly outcome: string | undefined
}

export interface DeliveryQuery {
  readonly endpointId?: string | undefined
  readonly state?: DeliveryState | undefined
  /** The last of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface WebhookStore {
  /** False when there are `max` already. */
  addEndpoint(endpoint: WebhookEndpoint, max: number): Promise<boolean>
  /** Oldest first. */
  endpoints(): Promise<WebhookEndpoint[]>
  endpoint(id: string): Promise<WebhookEndpoint | undefined>
  /** Undefined when there is no such endpoint. Enabling forgets that it failed. */
  changeEndpoint(id: string, change: EndpointChange): Promise<WebhookEndpoint | undefined>
  /** With all that waits for it. */
  removeEndpoint(id: string): Promise<boolean>

  /** Durable when it resolves, or with `tx`; an event that is there already is left as it is. `deliveries` have new ids for endpoints that are there. */
  addEvent(
    event: WebhookEvent,
    deliveries: readonly { id: string; endpointId: string }[],
    tx?: Tx,
  ): Promise<void>
  /** By id. */
  deliveries(query: DeliveryQuery): Promise<Delivery[]>
  delivery(id: string): Promise<Delivery | undefined>

  /** Active endpoints for which something is due. */
  due(now: number): Promise<string[]>
  /** What is due for one endpoint, the longest due first; nobody else gets it before `leaseUntil`. */
  claim(endpointId: string, limit: number, now: number, leaseUntil: number): Promise<Delivery[]>
  /** Forgets the delivery, and the event with its last. */
  delivered(delivery: Delivery, day: string): Promise<void>
  /** One attempt more. `nextAt` undefined: it is dead from now on. */
  failed(delivery: Delivery, outcome: string, now: number, nextAt: number | undefined): Promise<void>
  /** All that waits for an endpoint is dead. */
  giveUp(endpointId: string, now: number): Promise<void>
  /** Dead deliveries wait again with all attempts before them: one, or all of an endpoint. How many. */
  redeliver(which: { id: string } | { endpointId: string }, now: number): Promise<number>
  /** How many wait for an endpoint. */
  waiting(endpointId: string): Promise<number>

  /** What is about an account, but for its termination. */
  eraseAccount(accountId: string): Promise<void>
  /** Deliveries that died before, and events without deliveries from before. */
  eraseDead(before: number): Promise<void>
}
