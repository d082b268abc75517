/** The queue of one device, or the one that an account's unregistered sessions share. */
import type { Session } from '../core/session.ts'
import type { Copy } from './copy.ts'
import { Fifo } from './fifo.ts'
import type { QueueKey } from './sealed-store/sealed-store.ts'

export class DeliveryQueue {
  readonly key: QueueKey
  readonly attachments: Attachment[] = []
  /** Live copies, oldest first; those acknowledged meanwhile are skipped when they come to the head. */
  readonly live = new Fifo<Copy>()
  /** Copies that the store would not take and that some outbox still holds; older than `live`, tried again before it. */
  readonly unsealed = new Fifo<Copy>()
  /** Copies being sealed, and sealed ones that some outbox has written and not got acknowledged, by row id. */
  readonly inFlight = new Map<string, Copy>()

  constructor(key: QueueKey) {
    this.key = key
  }
}

/** A device that got its own queue just now takes the account's queue up to this position, then leaves it. */
export interface TakeOver {
  readonly seq: number
  /** All of it was acknowledged. */
  readonly taken: () => void
}

/** A session that takes from a queue: first its backlog, then live. */
export class Attachment {
  readonly session: Session
  readonly queue: DeliveryQueue
  readonly takeOver: TakeOver | undefined
  /** Everything older was written to the session: new messages go straight to it. */
  live = false
  /** Position of the last row read. */
  cursor = 0
  reading = false
  detached = false

  constructor(session: Session, queue: DeliveryQueue, takeOver?: TakeOver) {
    this.session = session
    this.queue = queue
    this.takeOver = takeOver
  }
}
