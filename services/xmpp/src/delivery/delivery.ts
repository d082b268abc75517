/**
 * Delivery: each queue gets its own copy of a message, and every copy ends acknowledged, sealed, expired or refused.
 *
 *   no session takes from the queue → sealed at once
 *   a session takes live            → written to its socket and kept in memory for LIVE_MS;
 *                                     acknowledged by then: nothing ever touches the disk; otherwise sealed
 *   a session takes its backlog     → sealed behind the backlog, so that nothing overtakes it
 *
 * A message that must not be kept goes to sessions that take live, stays in memory until it is acknowledged, and is
 * refused when there is no such session, or no longer.
 *
 * The sender's counter passes the message when no copy is left that is neither acknowledged nor sealed and synced.
 */
import { assert, errorCode } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import { element, NS_DELAY, StanzaError } from '@sealpost/stanza'
import type { Session } from '../core/session.ts'
import type { XmppEvents } from '../events.ts'
import { Copy, type Outcome, type QueuedMessage } from './copy.ts'
import { Attachment, DeliveryQueue, type TakeOver } from './delivery-queue.ts'
import { ACCOUNT_QUEUE } from './device-registry.ts'
import { Fifo } from './fifo.ts'
import type { Outbox, OutboxEvents } from './outbox.ts'
import type { QueueKey, SealedStore, StoredMessage } from './sealed-store/sealed-store.ts'

/** How long an online device may take to acknowledge before its copy is sealed. */
const LIVE_MS = 45
/** Overdue copies are looked for no more often than this; together with LIVE_MS the 50 ms that a sender may wait. */
const SWEEP_MS = 5
const PAGE_ROWS = 200
const PAGE_BYTES = 1024 * 1024
/** Before a backlog that could not be read, or a copy that could not be sealed, is tried again. */
const RETRY_MS = 1_000
/** Of so many copies that are acknowledged live, the time of one is taken. */
const MEASURED_EVERY = 16

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
  /** A message that wakes waits in this queue: it is on its way to the disk. */
  readonly onWaiting: (key: QueueKey) => void
}

export class Delivery implements OutboxEvents {
  readonly #options: DeliveryOptions
  readonly #queues = new Map<string, DeliveryQueue>()
  readonly #attachments = new Map<Outbox, Attachment[]>()
  /** Live copies of all queues by age; acknowledged ones are dropped when they come to the head. */
  readonly #live = new Fifo<Copy>()
  #sweep: Disposable | undefined
  /** Queues with copies in memory that the store would not take. */
  readonly #unsealed = new Set<DeliveryQueue>()
  #retry: Disposable | undefined
  #acknowledged = 0
  /** The process stops: nothing waits in memory for an acknowledgement any more. */
  #stopping = false

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Queues in memory: those with a session, or with copies under way. */
  get queueCount(): number {
    return this.#queues.size
  }

  /** The queue of a device, made when first used and forgotten when nothing is attached, live or in flight. */
  queue(key: QueueKey): DeliveryQueue {
    const name = nameOf(key)
    let queue = this.#queues.get(name)
    if (!queue) this.#queues.set(name, (queue = new DeliveryQueue(key)))
    return queue
  }

  /** True when a queue holds as much as it may; messages for it are then refused or left out by the caller. */
  isFull(key: QueueKey): boolean {
    const { count, bytes } = this.#options.store.depth(key)
    return count >= this.#options.limits.messagesMax || bytes >= this.#options.limits.bytesMax
  }

  /** Whether anything sealed waits in the queue. */
  hasWaiting(key: QueueKey): boolean {
    return this.#options.store.depth(key).count > 0
  }

  /** The sessions that take from the queue. */
  takers(key: QueueKey): readonly Session[] {
    return this.#queues.get(nameOf(key))?.attachments.map(({ session }) => session) ?? []
  }

  /** Position of the newest message of a queue, once what is in memory only is sealed; 0 when it is empty. */
  position(key: QueueKey): number {
    const queue = this.#queues.get(nameOf(key))
    if (queue) this.#sealLive(queue)
    return this.#options.store.depth(key).lastSeq
  }

  /** Gives a message to every session that takes from the queue, or seals it. */
  deliver(key: QueueKey, message: QueuedMessage, outcome: Outcome): void {
    const queue = this.queue(key)
    const copy = new Copy(queue, message, outcome)
    outcome.hold()
    if (!message.kept) {
      const live = queue.attachments.filter((attachment) => attachment.live)
      return this.#writeOnly(
        copy,
        message,
        live.map(({ session }) => session),
      )
    }
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
    if (session.closed) return this.deliver(key, message, outcome)
    const queue = this.queue(key)
    const copy = new Copy(queue, message, outcome)
    outcome.hold()
    if (!message.kept) return this.#writeOnly(copy, message, [session])
    const attachment = queue.attachments.find((each) => each.session === session)
    if (attachment?.live && session.outbox.congested) this.#fallBehind(attachment)
    if (!this.#mayOvertake(session, queue, attachment)) return this.#sealInOrder(copy)
    session.outbox.send(message.xml, copy)
    this.#race(copy)
  }

  /** Nothing of it is ever sealed: it is written to those who can take it now, or refused. */
  #writeOnly(copy: Copy, message: QueuedMessage, sessions: readonly Session[]): void {
    if (!this.#stopping)
      for (const { outbox } of sessions) if (!outbox.congested) outbox.send(message.xml, copy)
    if (copy.holders.length === 0) this.#refuse(copy, unavailable())
    this.#forget(copy.queue)
  }

  /** False when the session should get what waits in the queue first, or takes nothing now. */
  #mayOvertake(session: Session, queue: DeliveryQueue, attachment: Attachment | undefined): boolean {
    if (session.outbox.congested) return false
    if (attachment) return attachment.live
    // Not yet available: the backlog comes with its presence. With a negative priority it never does.
    return session.presence !== undefined || this.#options.store.depth(queue.key).count === 0
  }

  /** The session takes from this queue: first what waits there, then live. One that does already, without a stream until now, goes on. */
  attach(session: Session, key: QueueKey, takeOver?: TakeOver): void {
    const queue = this.queue(key)
    const attached = queue.attachments.find((other) => other.session === session)
    if (attached) return this.#pump(attached)
    this.#sealLive(queue) // what others were given and have not acknowledged, the newcomer reads from the backlog
    const attachment = new Attachment(session, queue, takeOver)
    queue.attachments.push(attachment)
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

  /** Before a resumed session's replay: what fell due meanwhile is not sent again. */
  withdrawDue(session: Session): void {
    const second = this.#options.clock.now() / 1000
    for (const copy of session.outbox.withdraw(({ dueSeconds }) => dueSeconds <= second)) {
      if (copy.state === 'done') continue
      const { outcome, id } = copy
      copy.finish()
      if (id !== undefined) this.#shred(copy, id)
      outcome?.release()
    }
  }

  /** The session is over: copies that nobody acknowledged stay in, or go to, their queues. */
  close(session: Session): void {
    this.detach(session)
    const copies = session.outbox.abandon()
    const queues = new Set<DeliveryQueue>()
    const own = this.#queues.get(nameOf(session.queues.own))
    if (own) queues.add(own)
    for (const copy of copies) {
      copy.leave(session.outbox)
      queues.add(copy.queue)
    }
    for (const queue of queues) this.#sealLive(queue)
    for (const copy of copies) {
      if (copy.holders.length > 0) continue
      if (copy.state === 'live' && copy.message?.kept === false) this.#refuse(copy, unavailable())
      if (copy.state === 'live') this.#seal(copy)
      if (copy.state === 'sealed' && copy.id !== undefined) copy.queue.inFlight.delete(copy.id)
    }
    for (const queue of queues) {
      this.#rewind(queue)
      this.#forget(queue)
    }
  }

  /**
   * A clean stop: everything that is only in memory goes to the store, now and from now on; what must not be kept, or what the
   * store does not take, goes back to its sender. Waiting for the store is its own, when it is disposed of.
   */
  stop(): void {
    this.#stopping = true
    this.#sweep?.[Symbol.dispose]()
    this.#retry?.[Symbol.dispose]()
    for (const queue of this.#queues.values()) this.#sealLive(queue)
  }

  /** After `stop`: what is left in memory only goes back to its sender. */
  giveBack(session: Session): void {
    for (const { copy } of session.outbox.state.unacknowledged) {
      if (copy?.state !== 'live') continue
      this.#refuse(
        copy,
        copy.message?.kept === false ? unavailable() : new StanzaError('wait', 'resource-constraint'),
      )
    }
  }

  /** The sealed message of this id, on the unacknowledged list of a session that another process stopped with; without one, or when it is gone, a place only. */
  copyOf(session: Session, id: string | undefined): Copy {
    const key = id === undefined ? undefined : this.#options.store.queueOf(id)
    if (id === undefined || key === undefined) return goneCopy(new DeliveryQueue(session.queues.own))
    const queue = this.queue(key)
    const copy = queue.inFlight.get(id) ?? sealedCopy(queue, id, Infinity) // due when its text says so
    queue.inFlight.set(id, copy)
    return copy
  }

  /** Before a session is resumed: reads what is on its unacknowledged list and only in the sealed queue. Rejects when the store cannot be read. */
  async load({ outbox }: Session): Promise<void> {
    const waiting = outbox.textless.filter(({ state }) => state !== 'done')
    for (const [queue, copies] of Map.groupBy(waiting, (copy) => copy.queue)) {
      for (let start = 0; start < copies.length; start += PAGE_ROWS)
        await this.#loadPage(outbox, queue, copies.slice(start, start + PAGE_ROWS))
    }
    for (const copy of outbox.textless) {
      copy.dueSeconds = 0 // acknowledged elsewhere, or expired: it is withdrawn
      if (copy.state === 'done') continue
      copy.queue.inFlight.delete(copy.id ?? '')
      copy.finish()
    }
  }

  async #loadPage(outbox: Outbox, queue: DeliveryQueue, copies: readonly Copy[]): Promise<void> {
    const byId = new Map(copies.map((copy) => [copy.id ?? '', copy]))
    const texts = new Map<Copy, string>()
    for (const row of await this.#options.store.fetch(queue.key, new Set(byId.keys()))) {
      const copy = byId.get(row.id)
      const { xml, dueSeconds } = decodeStored(row, this.#options.domain)
      if (!copy) continue
      copy.dueSeconds = dueSeconds
      texts.set(copy, xml)
    }
    outbox.setTexts(texts)
  }

  acknowledged(copy: Copy, outbox: Outbox): void {
    copy.leave(outbox)
    if (copy.state === 'done') return
    if (copy.state === 'live' && ++this.#acknowledged % MEASURED_EVERY === 0) this.#measure(copy)
    const { outcome, id } = copy
    copy.finish()
    if (id !== undefined) this.#shred(copy, id)
    outcome?.release()
  }

  #measure({ message }: Copy): void {
    const { clock, events } = this.#options
    if (message) events.delivered(Math.max(0, clock.now() - message.stampMs) / 1000)
  }

  roomy(outbox: Outbox): void {
    for (const attachment of this.#attachments.get(outbox) ?? []) this.#pump(attachment)
  }

  /** A copy in memory races its acknowledgement against a timer. */
  #race(copy: Copy): void {
    if (this.#stopping) return this.#sealInOrder(copy)
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
    const { clock } = this.#options
    this.#sweep = clock.after(Math.max(delayMs, SWEEP_MS), () => {
      const now = clock.monotonic()
      clock.turn(() => clock.turn(() => this.#sealOverdue(now)))
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
      this.#forget(copy.queue)
    }
  }

  /** Seals the older copies of a live copy's queue, and then it. */
  #sealUpTo(last: Copy): void {
    const { unsealed, live } = last.queue
    dropSettled(unsealed)
    if (unsealed.length > 0) return // in order: it is tried again with those
    for (let copy = live.peek(); copy; copy = live.peek()) {
      if (copy.state === 'live' && !this.#seal(copy)) return
      live.shift()
      if (copy === last) return
    }
  }

  /** Seals what a queue has in memory only, oldest first; false when the store does not take it now. */
  #sealLive(queue: DeliveryQueue): boolean {
    return this.#sealAll(queue.unsealed) && this.#sealAll(queue.live)
  }

  #sealAll(copies: Fifo<Copy>): boolean {
    for (let copy = copies.peek(); copy; copy = copies.peek()) {
      if (copy.state === 'live' && !this.#seal(copy)) return false
      copies.shift()
    }
    return true
  }

  /** Behind everything that was already on its way through the queue. */
  #sealInOrder(copy: Copy): void {
    if (this.#sealLive(copy.queue)) this.#seal(copy)
    else this.#refuse(copy, new StanzaError('wait', 'resource-constraint'))
    this.#forget(copy.queue)
  }

  /** False when the store does not take it now and a session still holds it: it must be tried again, before any younger one. */
  #seal(copy: Copy): boolean {
    const { queue, message } = copy
    assert(message, 'only a copy that is not done is sealed')
    const plaintext = encodeStored(message)
    try {
      const entry = this.#options.store.append(queue.key, plaintext, message.dueSeconds, message.kind)
      copy.state = 'sealing'
      copy.id = entry.id
      queue.inFlight.set(entry.id, copy)
      if (message.wakes) this.#options.onWaiting(queue.key)
      for (const attachment of queue.attachments) if (attachment.live) attachment.cursor = entry.seq
      entry.stored.then(
        () => this.#sealed(copy, entry.id),
        () => this.#sealFailed(copy, entry.id),
      )
      return true
    } catch (error) {
      return this.#notTaken(copy, error)
    } finally {
      plaintext.fill(0)
    }
  }

  /** The store refused a copy at once. One that is too large is never tried again: it lives as long as a session holds it. */
  #notTaken(copy: Copy, error: unknown): boolean {
    const tooLarge = errorCode(error) === 'PLAINTEXT_TOO_LARGE'
    if (copy.holders.length > 0 && !this.#stopping) {
      if (!tooLarge) this.#tryAgain(copy.queue)
      return tooLarge
    }
    const reason = tooLarge
      ? new StanzaError('modify', 'policy-violation', 'The message is too large to be kept')
      : new StanzaError('wait', 'resource-constraint')
    this.#refuse(copy, reason)
    return true
  }

  #sealed(copy: Copy, id: string): void {
    const { queue, outcome } = copy
    if (copy.state === 'sealing') {
      copy.state = 'sealed'
      copy.message = undefined
      copy.outcome = undefined
      if (copy.holders.length === 0) queue.inFlight.delete(id)
      this.#options.events.copies.stored += 1
      outcome?.release()
    }
    for (const attachment of queue.attachments) this.#pump(attachment)
    this.#forget(queue)
  }

  /** It could not be kept. A device that has it on its socket may still acknowledge; otherwise the sender is told. */
  #sealFailed(copy: Copy, id: string): void {
    const { queue } = copy
    queue.inFlight.delete(id)
    if (copy.state !== 'done') {
      copy.id = undefined
      copy.state = 'live'
      if (copy.holders.length > 0 && !this.#stopping) {
        queue.unsealed.push(copy)
        this.#tryAgain(queue)
      } else this.#refuse(copy, new StanzaError('wait', 'resource-constraint'))
    }
    this.#forget(queue)
  }

  #refuse(copy: Copy, error: StanzaError): void {
    const { outcome } = copy
    copy.finish()
    this.#options.events.copies.refused += 1
    outcome?.refuse(error)
    outcome?.release()
  }

  #tryAgain(queue: DeliveryQueue): void {
    this.#unsealed.add(queue)
    this.#retry ??= this.#options.clock.after(RETRY_MS, () => {
      this.#retry = undefined
      const queues = [...this.#unsealed]
      this.#unsealed.clear()
      for (const each of queues) this.#sealLive(each)
    })
  }

  #shred(copy: Copy, id: string): void {
    copy.queue.inFlight.delete(id)
    this.#options.store.shred([id])
    this.#options.events.copies.shredded += 1
    this.#forget(copy.queue)
  }

  /** A session left copies that others on this queue may not have been given: they read the backlog again, but for what they hold. */
  #rewind(queue: DeliveryQueue): void {
    for (const attachment of queue.attachments) {
      attachment.live = false
      attachment.cursor = 0
      this.#pump(attachment)
    }
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
    const { clock, events, store } = this.#options
    try {
      while (!attachment.detached && attachment.session.outbox.hasRoom) {
        const target = this.#target(attachment)
        if (target <= attachment.cursor) break
        const before = store.depth(attachment.queue.key)
        if ((await this.#sendPage(attachment)) > 0) continue
        const after = store.depth(attachment.queue.key)
        if (before.count !== after.count || before.lastSeq !== after.lastSeq) continue
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
    const stale = attachment.detached || attachment.cursor !== cursor // it was rewound meanwhile
    for (const row of rows) {
      if (stale) row.plaintext.fill(0)
      else this.#sendStored(attachment, row)
    }
    return stale ? 1 : rows.length
  }

  #sendStored(attachment: Attachment, row: StoredMessage): void {
    const { queue, session } = attachment
    attachment.cursor = row.seq
    if (attachment.takeOver && row.seq > attachment.takeOver.seq) return
    const inFlight = queue.inFlight.get(row.id)
    if (inFlight?.holders.includes(session.outbox)) return // on its way to this session already
    const { xml, dueSeconds } = decodeStored(row, this.#options.domain)
    if (dueSeconds <= this.#options.clock.now() / 1000) return // the store shreds it within the second
    const copy = inFlight ?? sealedCopy(queue, row.id, dueSeconds)
    queue.inFlight.set(row.id, copy)
    session.outbox.send(xml, copy)
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
    dropSettled(queue.unsealed)
    dropSettled(queue.live)
    if (queue.unsealed.length > 0 || queue.live.length > 0) return
    const name = nameOf(queue.key)
    if (this.#queues.get(name) === queue) this.#queues.delete(name)
  }
}

/** Takes acknowledged copies off the head. */
function dropSettled(live: Fifo<Copy>): void {
  while (live.length > 0 && live.peek()?.state !== 'live') live.shift()
}

/** Nobody is there to take what must not be kept: the sender's client holds it and tries again. */
function unavailable(): StanzaError {
  return new StanzaError('wait', 'recipient-unavailable')
}

/** By what a queue is found; strings that exist already, since this is asked for each copy. Ids of accounts and devices are UUIDs, so none is both. */
function nameOf({ account, device }: QueueKey): string {
  return device === ACCOUNT_QUEUE ? account : device
}

function sealedCopy(queue: DeliveryQueue, id: string, dueSeconds: number): Copy {
  const copy = new Copy(queue, undefined, undefined)
  copy.state = 'sealed'
  copy.id = id
  copy.dueSeconds = dueSeconds
  return copy
}

/** A place on an unacknowledged list whose stanza need not be sent again, but counts if the client has it. */
function goneCopy(queue: DeliveryQueue): Copy {
  const copy = new Copy(queue, undefined, undefined)
  copy.finish()
  return copy
}

/** `stampMs dueSeconds kind`, who vouches for the stamp if it is not the server, a line feed, the stanza: what a sealed copy holds. */
function encodeStored({ stampMs, dueSeconds, kind, delayedBy, xml }: QueuedMessage): Buffer {
  const by = delayedBy === undefined ? '' : ` ${delayedBy}`
  return Buffer.from(`${stampMs} ${dueSeconds} ${kind}${by}\n${xml}`)
}

/** A stored message as it goes out: with XEP-0203's stamp of when it was accepted. */
function decodeStored(row: StoredMessage, domain: string): { xml: string; dueSeconds: number } {
  const text = row.plaintext.toString('utf8')
  row.plaintext.fill(0)
  const lineEnd = text.indexOf('\n')
  const [stampMs, dueSeconds, , delayedBy = domain] = text.slice(0, lineEnd).split(' ')
  const xml = text.slice(lineEnd + 1)
  const stamp = new Date(Number(stampMs)).toISOString()
  const delay = element('delay', NS_DELAY, { from: delayedBy, stamp }).toString()
  const end = xml.lastIndexOf('</')
  return { xml: `${xml.slice(0, end)}${delay}${xml.slice(end)}`, dueSeconds: Number(dueSeconds) }
}
