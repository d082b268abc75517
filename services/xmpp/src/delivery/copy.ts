/** One message on its way to one queue: the unit that is acknowledged, sealed, or expires. */
import type { StanzaError } from '@sealpost/stanza'
import type { DeliveryQueue } from './delivery-queue.ts'
import type { Outbox } from './outbox.ts'

/** What the keyring calls a kind; it outlives the message's text and must not tell more than this. */
export type MessageKind = 'message' | 'receipt' | 'call'

export interface QueuedMessage {
  /** The whole stanza, as a device gets it when it is delivered at once. */
  readonly xml: string
  /** Milliseconds since the epoch; becomes XEP-0203's stamp when the message is delivered late. */
  readonly stampMs: number
  /** Second since the epoch from which it must be unreadable. */
  readonly dueSeconds: number
  readonly kind: MessageKind
  /** Whether a device that is away should hear that it waits. */
  readonly wakes: boolean
  /** False: it is never sealed. Who cannot take it now does not get it. */
  readonly kept: boolean
  /** Who vouches for that stamp, a JID without resource; undefined: the server. */
  readonly delayedBy?: string
}

/** What the sender is to learn about a message, over all its copies. */
export interface Outcome {
  hold(): void
  release(): void
  /** The copy could not be kept: the sender gets this error, and its stanza is answered with that. */
  refuse(error: StanzaError): void
}

/**
 * `live`: written to a socket, not yet acknowledged, in memory only. `sealing`: on its way to disk.
 * `sealed`: safe. `done`: acknowledged or refused.
 */
export type CopyState = 'live' | 'sealing' | 'sealed' | 'done'

const NOBODY: readonly Outbox[] = []

export class Copy {
  readonly queue: DeliveryQueue
  /** Dropped when the copy is done, which may be long before the last list forgets the copy itself. */
  message: QueuedMessage | undefined
  outcome: Outcome | undefined
  /** The outboxes it was written to and that have not acknowledged it. */
  holders: readonly Outbox[] = NOBODY
  state: CopyState = 'live'
  /** The sealed row, from `sealing` on. */
  id: string | undefined
  /** Monotonic milliseconds after which a live copy is sealed. */
  sealAt = 0
  /** Second since the epoch from which it must be unreadable. */
  dueSeconds: number

  constructor(queue: DeliveryQueue, message: QueuedMessage | undefined, outcome: Outcome | undefined) {
    this.queue = queue
    this.message = message
    this.outcome = outcome
    this.dueSeconds = message?.dueSeconds ?? 0
  }

  writtenTo(outbox: Outbox): void {
    this.holders = this.holders.length === 0 ? [outbox] : [...this.holders, outbox]
  }

  /** The outbox has it acknowledged, or will never have. */
  leave(outbox: Outbox): void {
    if (this.holders.length === 1 && this.holders[0] === outbox) this.holders = NOBODY
    else this.holders = this.holders.filter((each) => each !== outbox)
  }

  /** Nothing more will happen to it. */
  finish(): void {
    this.state = 'done'
    this.message = undefined
    this.outcome = undefined
  }
}
