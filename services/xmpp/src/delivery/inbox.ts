/**
 * The server's half of XEP-0198 §4 for what a session sends: `h` passes a stanza only when it and all before it
 * are safe (every target has acknowledged it or keeps it sealed and synced). Streams without stream management
 * count too, so that the number of stanzas in flight is bounded for them as well.
 */
import { NS_SM } from '@sealpost/stanza'
import type { Receipt } from '../core/module.ts'
import { Fifo } from './fifo.ts'

const WRAP = 2 ** 32 // XEP-0198 §4

export class Inbox {
  readonly #pending = new Fifo<InboundStanza>()
  /** Sends a nonza on the session's stream, if it has one. */
  readonly #send: (xml: string) => void
  #enabled = false
  #received = 0
  #safe = 0
  /** The client asked when this many stanzas had been received; it learns once they are safe. */
  #askedFor = 0
  #reported = 0
  #waiting: { below: number; resume: () => void } | undefined
  #settled: (() => void)[] = []

  constructor(send: (xml: string) => void) {
    this.#send = send
  }

  /** Stanzas received whose outcome is not yet known. */
  get unsafe(): number {
    return this.#pending.length
  }

  /** XEP-0198 §3: the client counts on what it is told. */
  get enabled(): boolean {
    return this.#enabled
  }

  /** `h`, XEP-0198 §4 */
  get handled(): number {
    return this.#safe % WRAP
  }

  /** XEP-0198 §3: counting starts with `<enable/>`. `h`: the count to go on from. */
  enable(h = 0): void {
    this.#enabled = true
    this.#received = h
    this.#safe = h
    this.#reported = h
    for (const stanza of this.#pending) stanza.counted = false
  }

  /** A stanza arrived; the returned receipt holds it once, for its own processing. */
  receive(): Receipt {
    const stanza = new InboundStanza(this, this.#enabled)
    this.#pending.push(stanza)
    if (this.#enabled) this.#received++
    return stanza
  }

  /** Answers `<r/>` at once with the counter as it is; tells again when it has caught up (XEP-0198 §4). */
  request(): void {
    this.#askedFor = this.#received
    this.acknowledge()
  }

  acknowledge(): void {
    if (!this.#enabled) return
    this.#reported = this.#safe
    this.#send(`<a xmlns='${NS_SM}' h='${this.handled}'/>`)
  }

  /** Calls back once, when fewer than that many stanzas are unsafe. */
  whenBelow(below: number, resume: () => void): void {
    this.#waiting = { below, resume }
  }

  /** Calls back once, when no stanza is unsafe; at once if none is. */
  whenSettled(settled: () => void): void {
    if (this.#pending.length === 0) settled()
    else this.#settled.push(settled)
  }

  /** Resolves when no stanza is unsafe. */
  settled(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.whenSettled(resolve)
    return promise
  }

  /** XEP-0198 §5: whatever is not safe by now, the client sends again: it will be counted then. */
  resumed(): void {
    for (const stanza of this.#pending) stanza.counted = false
    this.#received = this.#safe
    this.#askedFor = this.#safe
    this.#reported = this.#safe
  }

  settle(): void {
    for (let head = this.#pending.peek(); head?.done; head = this.#pending.peek()) {
      this.#pending.shift()
      if (head.counted) this.#safe++
    }
    if (this.#reported < this.#askedFor && this.#safe >= this.#askedFor) this.acknowledge()
    if (this.#pending.length === 0 && this.#settled.length > 0) {
      const settled = this.#settled
      this.#settled = []
      for (const each of settled) each()
    }
    if (this.#waiting && this.#pending.length < this.#waiting.below) {
      const { resume } = this.#waiting
      this.#waiting = undefined
      resume()
    }
  }
}

class InboundStanza implements Receipt {
  /** Let go of when it is done: what became of it is remembered for longer than its session lives. */
  #inbox: Inbox | undefined
  #holds = 1
  counted: boolean
  done = false
  refused = false
  #waiting: (() => void) | undefined

  constructor(inbox: Inbox, counted: boolean) {
    this.#inbox = inbox
    this.counted = counted
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    if (--this.#holds > 0) return
    this.done = true
    const inbox = this.#inbox
    this.#inbox = undefined
    inbox?.settle()
    this.#waiting?.()
    this.#waiting = undefined
  }

  refuse(): void {
    this.refused = true
  }

  whenDone(then: () => void): void {
    if (this.done) return then()
    const before = this.#waiting
    this.#waiting = before ? () => (before(), then()) : then
  }
}
