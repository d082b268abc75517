/**
 * Delivery: each queue gets its own copy of a message, and every copy ends acknowledged, sealed, expired or refused.
 *
 *   no session takes from the queue → sealed at once
 *   a session takes live            → written to its socket and kept in memory for LIVE_MS;
 *                                     acknowledged by then: nothing ever touches the disk; otherwise sealed
 *   a session takes its backlog     → sealed behind the backlog, so that nothing overtakes it
 *
 * The sender's counter passes the message when no copy is left that is neither acknowledged nor sealed and synced.
 */
import { assert } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import { element, NS_DELAY, StanzaError } from '@sealpost/stanza'
import type { Session } from '../core/session.ts'
import type { XmppEvents } from '../events.ts'
import { Copy, type Outcome, type QueuedMessage } from './copy.ts'
import { Attachment, DeliveryQueue, type TakeOver } from './delivery-queue.ts'
import { Fifo } from './fifo.ts'
import type { Outbox, OutboxEvents } from './outbox.ts'
import type { QueueKey, SealedStore, StoredMessage } from './sealed-store/sealed-store.ts'

/** How long an online device may take to acknowledge before its copy is sealed. */
const LIVE_MS = 45
/** Overdue copies are looked for no more often than this; together with LIVE_MS the 50 ms that a sender may wait. */
const SWEEP_MS = 5
const PAGE_ROWS = 200
const PAGE_BYTES = 1024 * 1024
/** Before a backlog that could not be read is tried again. */
const RETRY_MS = 1_000

export interface QueueLimits {
  readonly messagesMax: number
  readonly bytesMax: number
}

export interface DeliveryOptions {
  readonly store: SealedStore
  readonly clock: Clock
  readonly limits: QueueLimits
  readonly domain: string
  readonly events: XmppEvents
  /** The session must end: it does not acknowledge. */
  readonly onOverflow: (session: Session) => void
}

export class Delivery implements OutboxEvents {
  readonly #options: DeliveryOptions
  readonly #queues = new Map<string, DeliveryQueue>()
  readonly #attachments = new Map<Outbox, Attachment[]>()
  readonly #sessions = new WeakMap<Outbox, Session>()
  /** Live copies of all queues by age; acknowledged ones are dropped when they come to the head. */
  readonly #live = new Fifo<Copy>()
  #sweep: Disposable | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** The queue of a device, made when first used and forgotten when nothing is attached, live or in flight. */
  queue(key: QueueKey): DeliveryQueue {
    const name = `${key.account} ${key.device}`
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = new DeliveryQueue(key)))
    return queue
  }

  /** True when a queue holds as much as it may; messages for it are then refused or left out by the caller. */
  isFull(key: QueueKey): boolean {
    const { count, bytes } = this.#options.store.depth(key)
    return count >= this.#options.limits.messagesMax || bytes >= this.#options.limits.bytesMax
  }

  /** Position of the newest message of a queue; 0 when it is empty. */
  position(key: QueueKey): number {
    return this.#options.store.depth(key).lastSeq
  }

  /** Gives a message to every session that takes from the queue, or seals it. */
  deliver(key: QueueKey, message: QueuedMessage, outcome: Outcome): void {
    const queue = this.queue(key)
    const copy = new Copy(queue, message, outcome)
    outcome.hold()
    let written = queue.attachments.length > 0
    for (const attachment of queue.attachments) {
      if (attachment.live && attachment.session.outbox.congested) this.#fallBehind(attachment)
      if (!attachment.live) written = false
    }
    for (const attachment of queue.attachments) {
      if (attachment.live) attachment.session.outbox.send(message.xml, copy)
    }
    if (written) this.#race(copy)
    else this.#sealInOrder(copy)
  }

  /** Gives a message to one session only, as it is addressed to its full JID; sealed in the queue when it cannot take it now. */
  deliverTo(session: Session, key: QueueKey, message: QueuedMessage, outcome: Outcome): void {
    const queue = this.queue(key)
    const copy = new Copy(queue, message, outcome)
    outcome.hold()
    const attachment = queue.attachments.find((other) => other.session === session)
    if (session.outbox.congested || attachment?.live === false) return this.#sealInOrder(copy)
    session.outbox.send(message.xml, copy)
    this.#race(copy)
  }

  /** The session takes from this queue: first what waits there, then live. */
  attach(session: Session, key: QueueKey, takeOver?: TakeOver): void {
    const queue = this.queue(key)
    if (queue.attachments.some((other) => other.session === session)) return
    const attachment = new Attachment(session, queue, takeOver)
    queue.attachments.push(attachment)
    this.#sessions.set(session.outbox, session)
    const list = this.#attachments.get(session.outbox) ?? []
    list.push(attachment)
    this.#attachments.set(session.outbox, list)
    this.#pump(attachment)
  }

  /** The session takes nothing any more (not available, hibernated, over); what it did not acknowledge it still may. */
  detach(session: Session): void {
    for (const attachment of this.#attachments.get(session.outbox) ?? []) this.#leave(attachment)
    this.#attachments.delete(session.outbox)
  }

  /** The stream is gone but may be resumed: what was written live is sealed now, in order. */
  suspend(session: Session): void {
    const queues = (this.#attachments.get(session.outbox) ?? []).map(({ queue }) => queue)
    this.detach(session)
    for (const queue of queues) this.#sealLive(queue)
  }

  /** The session is over: copies that nobody acknowledged stay in, or go to, their queues. */
  close(session: Session): void {
    this.detach(session)
    const copies = session.outbox.abandon()
    for (const copy of copies) {
      copy.holders.splice(copy.holders.indexOf(session.outbox), 1)
      if (copy.state === 'live' && copy.holders.length === 0) this.#sealLive(copy.queue)
      if (copy.holders.length === 0 && copy.id !== undefined) copy.queue.inFlight.delete(copy.id)
    }
    for (const queue of new Set(copies.map((copy) => copy.queue))) this.#forget(queue)
  }

  /** Seals everything that is only in memory; for a clean stop. */
  async flush(): Promise<void> {
    for (const queue of this.#queues.values()) this.#sealLive(queue)
    await this.#options.store.flushed()
  }

  acknowledged(copy: Copy, outbox: Outbox): void {
    const held = copy.holders.indexOf(outbox)
    if (held >= 0) copy.holders.splice(held, 1)
    if (copy.state === 'done') return
    const { state, outcome } = copy
    copy.finish()
    if (state === 'sealed') this.#shred(copy)
    else outcome?.release()
  }

  roomy(outbox: Outbox): void {
    for (const attachment of this.#attachments.get(outbox) ?? []) this.#pump(attachment)
  }

  overflowed(outbox: Outbox): void {
    const session = this.#sessions.get(outbox)
    if (session) this.#options.onOverflow(session)
  }

  /** A copy in memory races its acknowledgement against a timer. */
  #race(copy: Copy): void {
    copy.sealAt = this.#options.clock.monotonic() + LIVE_MS
    copy.queue.live.push(copy)
    this.#live.push(copy)
    if (!this.#sweep) this.#armSweep(LIVE_MS)
  }

  /**
   * What is overdue when the timer fires is sealed two turns of the event loop later. On an idle server that is at
   * once; on a busy one the acknowledgements that lie in the sockets are read first, since sealing what was
   * acknowledged long ago would make a busy server busier.
   */
  #armSweep(delayMs: number): void {
    this.#sweep = this.#options.clock.after(Math.max(delayMs, SWEEP_MS), () => {
      const now = this.#options.clock.monotonic()
      setImmediate(() => setImmediate(() => this.#sealOverdue(now)))
    })
  }

  /** Seals the copies that were due at a monotonic time and are still not acknowledged. */
  #sealOverdue(now: number): void {
    this.#sweep = undefined
    for (let copy = this.#live.peek(); copy; copy = this.#live.peek()) {
      if (copy.state === 'live' && copy.sealAt > now) {
        this.#armSweep(copy.sealAt - this.#options.clock.monotonic())
        return
      }
      this.#live.shift()
      if (copy.state === 'live') this.#sealUpTo(copy)
      else dropSettled(copy.queue.live)
    }
  }

  /** Seals a live copy and the older live ones of its queue. */
  #sealUpTo(last: Copy): void {
    const { live } = last.queue
    for (let copy = live.shift(); copy; copy = live.shift()) {
      if (copy.state === 'live') this.#seal(copy)
      if (copy === last) return
    }
  }

  #sealLive(queue: DeliveryQueue): void {
    for (let copy = queue.live.shift(); copy; copy = queue.live.shift()) {
      if (copy.state === 'live') this.#seal(copy)
    }
  }

  /** Behind everything that was already on its way through the queue. */
  #sealInOrder(copy: Copy): void {
    this.#sealLive(copy.queue)
    this.#seal(copy)
  }

  #seal(copy: Copy): void {
    const { queue, message } = copy
    assert(message, 'only a copy that is not done is sealed')
    copy.state = 'sealing'
    try {
      const plaintext = encodeStored(message)
      const entry = this.#options.store.append(queue.key, plaintext, message.dueSeconds, message.kind)
      copy.id = entry.id
      if (copy.holders.length > 0) queue.inFlight.set(entry.id, copy)
      for (const attachment of queue.attachments) if (attachment.live) attachment.cursor = entry.seq
      entry.stored.then(
        () => this.#sealed(copy),
        () => this.#sealFailed(copy),
      )
    } catch {
      this.#sealFailed(copy)
    }
  }

  #sealed(copy: Copy): void {
    if (copy.state === 'done') return this.#shred(copy)
    copy.state = 'sealed'
    this.#options.events.stored()
    copy.outcome?.release()
    for (const attachment of copy.queue.attachments) this.#pump(attachment)
    this.#forget(copy.queue)
  }

  /** It could not be kept. A device that has it on its socket may still acknowledge; otherwise the sender is told. */
  #sealFailed(copy: Copy): void {
    if (copy.state === 'done') return
    this.#options.events.storeRefused()
    if (copy.id !== undefined) copy.queue.inFlight.delete(copy.id)
    copy.id = undefined
    if (copy.holders.length > 0) {
      copy.state = 'live'
      return this.#race(copy)
    }
    const { outcome } = copy
    copy.finish()
    outcome?.refuse(new StanzaError('wait', 'resource-constraint'))
    outcome?.release()
  }

  #shred(copy: Copy): void {
    if (copy.id === undefined) return
    copy.queue.inFlight.delete(copy.id)
    this.#options.store.shred([copy.id])
    this.#options.events.shredded()
    this.#forget(copy.queue)
  }

  /** The peer does not read: from now on its queue fills on disk, and it is drained when there is room. */
  #fallBehind(attachment: Attachment): void {
    this.#sealLive(attachment.queue)
    attachment.live = false
  }

  #pump(attachment: Attachment): void {
    if (attachment.live || attachment.reading || attachment.detached) return
    if (!this.#isFirst(attachment)) return
    if (this.#target(attachment) <= attachment.cursor) return this.#caughtUp(attachment)
    if (!attachment.session.outbox.hasRoom) return
    attachment.reading = true
    void this.#drain(attachment)
  }

  /** A session reads one backlog after the other, so that the account queue's older messages come first. */
  #isFirst(attachment: Attachment): boolean {
    const list = this.#attachments.get(attachment.session.outbox) ?? []
    return list.find((other) => !other.live) === attachment
  }

  async #drain(attachment: Attachment): Promise<void> {
    const { clock, events } = this.#options
    try {
      while (!attachment.detached && attachment.session.outbox.hasRoom) {
        const target = this.#target(attachment)
        if (target <= attachment.cursor) break
        if ((await this.#sendPage(attachment)) > 0) continue
        attachment.cursor = Math.max(attachment.cursor, target) // shredded or refused before we came to it
      }
    } catch (error) {
      events.drainFailed(error)
      clock.after(RETRY_MS, () => {
        attachment.reading = false
        this.#pump(attachment)
      })
      return
    }
    attachment.reading = false
    this.#pump(attachment)
  }

  /** The position up to which this attachment still has to read. */
  #target(attachment: Attachment): number {
    return attachment.takeOver?.seq ?? this.#options.store.depth(attachment.queue.key).lastSeq
  }

  async #sendPage(attachment: Attachment): Promise<number> {
    const { queue, cursor } = attachment
    const rows = await this.#options.store.read(queue.key, cursor, PAGE_ROWS, PAGE_BYTES)
    if (attachment.detached) return 0
    for (const row of rows) this.#sendStored(attachment, row)
    return rows.length
  }

  #sendStored(attachment: Attachment, row: StoredMessage): void {
    const { queue, session } = attachment
    attachment.cursor = row.seq
    if (attachment.takeOver && row.seq > attachment.takeOver.seq) return
    const inFlight = queue.inFlight.get(row.id)
    if (inFlight?.holders.includes(session.outbox)) return // on its way to this session already
    const copy = inFlight ?? new Copy(queue, undefined, undefined)
    if (!inFlight) copy.state = 'sealed'
    copy.id = row.id
    queue.inFlight.set(row.id, copy)
    session.outbox.send(decodeStored(row, this.#options.domain), copy)
  }

  #caughtUp(attachment: Attachment): void {
    const { outbox } = attachment.session
    if (attachment.takeOver) {
      this.#leave(attachment)
      const list = this.#attachments.get(outbox)
      list?.splice(list.indexOf(attachment), 1)
      outbox.whenAcknowledged(attachment.takeOver.taken)
    } else {
      attachment.live = true
    }
    const next = this.#attachments.get(outbox)?.find((other) => !other.live)
    if (next) this.#pump(next)
  }

  #leave(attachment: Attachment): void {
    const { attachments } = attachment.queue
    attachment.detached = true
    attachments.splice(attachments.indexOf(attachment), 1)
    this.#forget(attachment.queue)
  }

  #forget(queue: DeliveryQueue): void {
    if (queue.attachments.length > 0 || queue.inFlight.size > 0) return
    dropSettled(queue.live)
    if (queue.live.length > 0) return
    const name = `${queue.key.account} ${queue.key.device}`
    if (this.#queues.get(name) === queue) this.#queues.delete(name)
  }
}

/** Takes acknowledged copies off the head. */
function dropSettled(live: Fifo<Copy>): void {
  while (live.length > 0 && live.peek()?.state !== 'live') live.shift()
}

/** `stampMs`, a line feed, the stanza: what a sealed copy holds. */
function encodeStored(message: QueuedMessage): Buffer {
  return Buffer.from(`${message.stampMs} ${message.dueSeconds} ${message.kind}\n${message.xml}`)
}

/** A stored message as it goes out: with XEP-0203's stamp of when it was accepted. */
function decodeStored(row: StoredMessage, domain: string): string {
  const text = row.plaintext.toString('utf8')
  row.plaintext.fill(0)
  const stamp = new Date(Number.parseInt(text, 10)).toISOString()
  const xml = text.slice(text.indexOf('\n') + 1)
  const delay = element('delay', NS_DELAY, { from: domain, stamp }).toString()
  const end = xml.lastIndexOf('</')
  return `${xml.slice(0, end)}${delay}${xml.slice(end)}`
}
