/**
 * What was sent to one session and not yet acknowledged: XEP-0198 §4 from the server's side. A client without
 * stream management acknowledges by answering a ping that was sent after the stanzas: stream order makes it a barrier.
 */
import type { Clock } from '@sealpost/runtime'
import { element, NS_CLIENT, NS_PING, NS_SM, StreamError } from '@sealpost/stanza'
import type { Stream } from '../core/stream.ts'
import type { Copy } from './copy.ts'
import { Fifo } from './fifo.ts'

/** Unacknowledged stanzas of one session, and their UTF-16 units; beyond it the session is ended, and what its queue holds stays there. */
const UNACKNOWLEDGED_MAX = 5_000
const UNACKNOWLEDGED_UNITS_MAX = 16 * 1024 * 1024
/** Before a client whose count stands still is asked again. */
const ASK_AGAIN_MS = 5_000
/** Stanzas that are no message copies are asked about in groups of this size. */
const ASK_EVERY = 10
/** Copies in flight while a backlog is drained. */
const WINDOW = 500
const WINDOW_UNITS = 1024 * 1024
/** A session that reads but leaves so much unacknowledged gets no more live copies: they wait in its queue. */
const LIVE_MAX = 2_000
const LIVE_UNITS_MAX = 4 * 1024 * 1024
/** What waits for a client that nobody looks at, and its UTF-16 units; more goes out at once. */
const HELD_MAX = 1_000
const HELD_UNITS_MAX = 1024 * 1024
/** A peer that does not read what it asked for is given up beyond so many bytes. */
const UNREAD_BYTES_MAX = 8 * 1024 * 1024

interface Item {
  /** Empty while it is only in the sealed queue: after a restart, until the session is resumed. */
  xml: string
  readonly copy: Copy | undefined
  /** False: it must never be on disk, not even sealed. */
  readonly kept: boolean
}

/** Where a session's outgoing half stands (XEP-0198 §4): what outlives the process in a clean stop. */
export interface OutboxState {
  /** The client's last count. */
  readonly h: number
  /** Unacknowledged stanzas at the head that were sent before counting began. */
  readonly uncounted: number
  readonly unacknowledged: readonly Pick<Item, 'xml' | 'copy' | 'kept'>[]
}

export interface OutboxEvents {
  /** The device has this copy. */
  acknowledged(copy: Copy, outbox: Outbox): void
  /** There may be room for more of the backlog. */
  roomy(outbox: Outbox): void
}

export class Outbox {
  readonly #events: OutboxEvents
  #items = new Fifo<Item>()
  readonly #clock: Clock
  readonly #newId: () => string
  readonly #onOverflow: () => void
  #marks = new Fifo<{ upTo: number; readonly reached: () => void }>()
  #stream: Stream | undefined
  /** Stanzas ever put into `#items`, and ever taken out. */
  #pushed = 0
  #taken = 0
  #copies = 0
  #units = 0
  #overflown = false
  #smEnabled = false
  /** What can wait until somebody looks, by what it replaces (XEP-0352 §3.2); undefined: somebody does. */
  #held: Map<string, Pick<Item, 'xml' | 'kept'>> | undefined
  #heldUnits = 0
  /** The client's last count, and which place in `#pushed` it stands for. */
  #h = 0
  #again: Disposable | undefined
  #hPlace = 0
  /** An acknowledgement was asked for up to this count; `barrier` is the ping's id without stream management. */
  #asked: { upTo: number; barrier: string | undefined; atMs: number } | undefined

  /** @param onOverflow the client does not acknowledge or read, and too much has piled up; called once, in a turn of its own */
  constructor(events: OutboxEvents, clock: Clock, newId: () => string, onOverflow: () => void) {
    this.#events = events
    this.#clock = clock
    this.#newId = newId
    this.#onOverflow = onOverflow
  }

  get unacknowledged(): number {
    return this.#items.length
  }

  /** XEP-0198 §3: stanzas sent from now on are counted; what was sent before is acknowledged, by stream order, with the first count. `h`: the count to go on from. */
  enable(h = 0): void {
    this.#smEnabled = true
    this.#h = h
    this.#hPlace = this.#pushed
    this.#asked = undefined
  }

  get connected(): boolean {
    return this.#stream !== undefined
  }

  /** True while the backlog may be written: bounded copies in flight, and the peer reads. */
  get hasRoom(): boolean {
    return !this.congested && this.#copies < WINDOW && this.#units < WINDOW_UNITS
  }

  /** True when a live copy should rather wait in its queue. */
  get congested(): boolean {
    return (
      this.#stream === undefined ||
      this.#stream.connection.congested ||
      this.#copies >= LIVE_MAX ||
      this.#units >= LIVE_UNITS_MAX
    )
  }

  /** Writes to this stream from now on. */
  connect(stream: Stream): void {
    this.#stream = stream
    this.#asked = undefined
    stream.connection.beforeFlush = () => this.#ask()
    stream.connection.onDrain = () => this.#events.roomy(this)
  }

  /** Whether somebody looks at the client (XEP-0352 §4.2): what was held back goes out when somebody does. */
  set active(active: boolean) {
    if (active) this.#release()
    this.#held = active ? undefined : (this.#held ?? new Map())
  }

  get active(): boolean {
    return this.#held === undefined
  }

  /**
   * Sends what is worth little while nobody looks: then it waits for the next stanza that cannot, before which it goes, so that order
   * is kept (XEP-0352 §5.1). One with the same key that waits already is replaced.
   */
  sendWhenActive(key: string, xml: string, kept = true): void {
    const held = this.#held
    if (!held) return this.send(xml, undefined, kept)
    this.#heldUnits += xml.length - (held.get(key)?.xml.length ?? 0)
    held.delete(key)
    held.set(key, { xml, kept })
    if (held.size > HELD_MAX || this.#heldUnits > HELD_UNITS_MAX) this.#release()
  }

  #release(): void {
    const held = this.#held
    if (!held || held.size === 0) return
    this.#held = new Map()
    this.#heldUnits = 0
    for (const { xml, kept } of held.values()) this.#send(xml, undefined, kept)
  }

  /** The stream is gone; with stream management what is unacknowledged waits for a resumption, which begins active (XEP-0352 §5.2). */
  disconnect(): void {
    this.active = true
    if (this.#stream) {
      this.#stream.connection.beforeFlush = undefined
      this.#stream.connection.onDrain = undefined
    }
    this.#stream = undefined
    this.#asked = undefined
    this.#again?.[Symbol.dispose]()
    this.#again = undefined
  }

  /** @param kept false for what reaches who is here, and nobody after a restart */
  send(xml: string, copy?: Copy, kept = true): void {
    this.#release()
    this.#send(xml, copy, kept)
  }

  #send(xml: string, copy: Copy | undefined, kept: boolean): void {
    if (copy) {
      this.#copies++
      copy.writtenTo(this)
    }
    if (this.#smEnabled || copy) {
      this.#items.push({ xml, copy, kept })
      this.#pushed++
      this.#units += xml.length
      if (this.#items.length > UNACKNOWLEDGED_MAX || this.#units > UNACKNOWLEDGED_UNITS_MAX) this.#overflow()
    }
    const stream = this.#stream
    if (!stream) return
    stream.send(xml)
    if (stream.connection.congested && stream.connection.backlogBytes > UNREAD_BYTES_MAX) this.#overflow()
  }

  #overflow(): void {
    if (this.#overflown) return
    this.#overflown = true
    this.#clock.turn(this.#onOverflow)
  }

  /** XEP-0198 §4: `<a h='…'/>`. */
  acknowledge(h: number): void {
    const outstanding = this.#pushed - this.#hPlace
    const count = (h - this.#h) >>> 0
    if (count > 2 ** 31) return // a late, lower h: nothing new
    if (count > outstanding) throw handledTooHigh(h, (this.#h + outstanding) >>> 0)
    this.#h = h
    this.#hPlace += count
    this.#asked = undefined
    if (this.#hPlace > this.#taken) this.#take(this.#hPlace)
    else this.#askLater()
  }

  /** An IQ answer arrived; true when it was the answer to our ping. */
  barrierAnswered(id: string): boolean {
    const asked = this.#asked
    if (asked?.barrier === undefined || asked.barrier !== id) return false
    this.#asked = undefined
    this.#take(asked.upTo)
    return true
  }

  /** The client's last count. */
  get acknowledged(): number {
    return this.#h
  }

  get state(): OutboxState {
    const uncounted = Math.max(0, this.#hPlace - this.#taken)
    return { h: this.#h, uncounted, unacknowledged: [...this.#items] }
  }

  /** Goes on from where another process stopped; only of a new outbox. */
  restore({ h, uncounted, unacknowledged }: OutboxState): void {
    this.enable(h)
    this.#hPlace = uncounted
    for (const { xml, copy, kept } of unacknowledged) this.send(xml, copy, kept)
  }

  /** Copies whose text is only in the sealed queue. */
  get textless(): Copy[] {
    const copies: Copy[] = []
    for (const { xml, copy } of this.#items) if (xml === '' && copy) copies.push(copy)
    return copies
  }

  /** Gives those copies their texts, as far as there are any. */
  setTexts(texts: ReadonlyMap<Copy, string>): void {
    for (const item of this.#items) {
      const xml = item.copy && texts.get(item.copy)
      if (xml === undefined || item.xml !== '') continue
      item.xml = xml
      this.#units += xml.length
    }
  }

  /** XEP-0198 §5: everything unacknowledged again, in its order, on the stream connected last. */
  replay(): void {
    for (const { xml } of this.#items) this.#stream?.send(xml)
  }

  /**
   * Before a replay: takes out what need not be sent again; returns the copies. The client never saw them, so they are not counted.
   * Only right after `acknowledge`.
   */
  withdraw(isUnwanted: (copy: Copy) => boolean): Copy[] {
    const withdrawn: Copy[] = []
    const items = new Fifo<Item>()
    const marks = new Fifo<{ upTo: number; readonly reached: () => void }>()
    let place = this.#taken
    const moveMarks = () => {
      for (let mark = this.#marks.peek(); mark && mark.upTo <= place; mark = this.#marks.peek()) {
        this.#marks.shift()
        mark.upTo -= withdrawn.length
        marks.push(mark)
      }
    }
    for (const item of this.#items) {
      place++
      if (item.copy && isUnwanted(item.copy)) {
        this.#copies--
        this.#units -= item.xml.length
        withdrawn.push(item.copy)
      } else items.push(item)
      moveMarks()
    }
    this.#items = items
    this.#marks = marks
    this.#pushed -= withdrawn.length
    for (const copy of withdrawn) copy.leave(this)
    return withdrawn
  }

  /** Calls back once everything sent so far is acknowledged; never, if the session ends before. */
  whenAcknowledged(reached: () => void): void {
    if (this.#taken >= this.#pushed) reached()
    else this.#marks.push({ upTo: this.#pushed, reached })
  }

  /** When an acknowledgement was asked for that has not come (monotonic milliseconds). */
  silentSince(): number | undefined {
    return this.#asked?.atMs
  }

  /** The session is over: gives back the copies nobody acknowledged, in order. */
  abandon(): Copy[] {
    this.disconnect()
    const copies: Copy[] = []
    for (let item = this.#items.shift(); item; item = this.#items.shift()) {
      if (item.copy) copies.push(item.copy)
    }
    this.#copies = 0
    this.#units = 0
    return copies
  }

  #take(upTo: number): void {
    while (this.#taken < upTo) {
      const item = this.#items.shift()
      if (!item) break
      this.#taken++
      this.#units -= item.xml.length
      if (!item.copy) continue
      this.#copies--
      this.#events.acknowledged(item.copy, this)
    }
    for (let mark = this.#marks.peek(); mark && mark.upTo <= this.#taken; mark = this.#marks.peek()) {
      this.#marks.shift()
      mark.reached()
    }
    if (this.#copies > 0) this.#ask()
    this.#events.roomy(this)
  }

  /** The client has nothing new to say; asked again at once it would say the same, for ever. */
  #askLater(): void {
    this.#again ??= this.#clock.after(ASK_AGAIN_MS, () => {
      this.#again = undefined
      this.#ask()
    })
  }

  /** One question at a time: its answer covers everything sent before it. */
  #ask(): void {
    const stream = this.#stream
    if (!stream || this.#asked || this.#items.length === 0) return
    if (this.#copies === 0 && this.#items.length < ASK_EVERY) return
    const barrier = this.#smEnabled ? undefined : this.#newId()
    this.#asked = { upTo: this.#pushed, barrier, atMs: this.#clock.monotonic() }
    stream.send(barrier === undefined ? `<r xmlns='${NS_SM}'/>` : pingXml(stream, barrier))
  }
}

function pingXml(stream: Stream, id: string): string {
  const to = stream.session?.jidText
  const ping = element('ping', NS_PING)
  return element('iq', NS_CLIENT, { type: 'get', id, from: stream.domain, to }, ping).toString()
}

/** XEP-0198 §4: the client acknowledged more than was sent. */
function handledTooHigh(h: number, sent: number): StreamError {
  const attrs = { h: String(h), 'send-count': String(sent) }
  return new StreamError('undefined-condition', undefined, element('handled-count-too-high', NS_SM, attrs))
}
