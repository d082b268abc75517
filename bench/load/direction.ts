/** What one client writes to another: numbered messages, which have to arrive once each, in order. */
import type { Client } from './client.ts'
import { MessageTemplate } from './omemo.ts'

const ASK = Buffer.from(`<r xmlns='urn:xmpp:sm:3'/>`)

/** One direction of one conversation. Messages of a direction arrive in order (RFC 6120 §10.1), so a ring of sending times is enough. */
export class Direction {
  readonly sender: Client
  readonly #template: MessageTemplate
  readonly #ackEvery: number
  readonly #sentAt: number[] = []
  sent = 0
  received = 0
  /** Messages that may be sent at the next flush. */
  credit = 0

  constructor(sender: Client, recipient: string, ackEvery: number, run: string) {
    this.sender = sender
    this.#template = new MessageTemplate(recipient, run)
    this.#ackEvery = ackEvery
  }

  get messageBytes(): number {
    return this.#template.size
  }

  /** Sends `count` messages in one write; `at` is the moment that counts as their sending. */
  send(count: number, at: number): void {
    const bytes = Buffer.allocUnsafe(count * (this.#template.size + ASK.length))
    let end = 0
    for (let index = 0; index < count; index++) {
      end = this.#template.write(bytes, end, this.sent++)
      if (this.sent % this.#ackEvery === 0) end += ASK.copy(bytes, end)
      this.#sentAt.push(at)
    }
    this.sender.send(bytes.subarray(0, end))
  }

  /** Milliseconds message `number` was under way. */
  arrive(number: number, now: number): number {
    if (number !== this.received)
      throw new Error(`message ${number} instead of ${this.received}: lost, doubled or out of order`)
    this.received++
    return now - (this.#sentAt.shift() ?? now)
  }
}
