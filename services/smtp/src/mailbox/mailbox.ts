/** Mail that waits until its owner fetches it: sealed as in the queue, destroyed by the acknowledgement, or after thirty days. */
import type { KeptMail, OpenMail } from '../queue/kept-mail.ts'
import type { MailStore } from '../queue/mail-store.ts'
import type { Envelope } from '../reception/stage.ts'
import type { Content } from '../content.ts'
import type { Room } from './room.ts'

/** Of one account, whatever its plan. */
const MAILS_MAX = 10_000

/** Whose mailbox postmaster and abuse have where no account has the name: that of whoever runs the server. */
export const DESK = '00000000-0000-4000-8000-0000000000de'

export interface WaitingMail {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  /** Of the body. */
  readonly bytes: number
}

export class Mailbox {
  readonly #store: MailStore
  readonly #roomOf: (account: string) => Promise<Room>

  constructor(store: MailStore, roomOf: (account: string) => Promise<Room>) {
    this.#store = store
    this.#roomOf = roomOf
  }

  /** Whether there is no room for another mail of so many bytes. */
  async isFull(account: string, bytes: number): Promise<boolean> {
    const room = await this.#roomOf(account)
    const waiting = this.#store.waiting(account)
    return waiting.mails >= MAILS_MAX || waiting.bytes + bytes > room.bytes
  }

  /** Whether a copy waits, as after a crash between its delivery and the record of it. */
  holds(source: string): boolean {
    return this.#store.hasCopy(source)
  }

  /**
   * Durable when it resolves. QueueError.
   * @param source of which mail of the queue it is a copy, for which recipient
   */
  async put(account: string, envelope: Envelope, content: Content, source: string): Promise<void> {
    const { seconds: keepSeconds } = await this.#roomOf(account)
    await using draft = this.#store.draft()
    for await (const chunk of content.body()) await draft.write(chunk)
    await draft.finish()
    const mail = {
      account,
      place: 'mailbox',
      envelope,
      header: content.header,
      draft,
      recipients: [],
      source,
    } as const
    await this.#store.accept({ ...mail, keepSeconds })
  }

  /** Oldest first, after the one named, at most `limit`. */
  list(account: string, limit: number, after?: string): WaitingMail[] {
    const waiting = this.#store.ofAccount(account, 'mailbox')
    const begin = after === undefined ? 0 : waiting.findIndex(({ id }) => id === after) + 1
    return waiting
      .slice(begin, begin + limit)
      .map(({ id, acceptedAt, bodyBytes: bytes }) => ({ id, acceptedAt, bytes }))
  }

  /** Undefined: the account has no such mail. */
  async open(account: string, id: string): Promise<OpenMail | undefined> {
    const kept = this.#find(account, id)
    return kept && (await this.#store.open(kept))
  }

  /** Its owner has it: unreadable, on disk too, when it resolves. False: there was none. */
  async acknowledge(account: string, id: string): Promise<boolean> {
    const kept = this.#find(account, id)
    if (kept === undefined) return false
    this.#store.shred(kept)
    await this.#store.shredded()
    return true
  }

  #find(account: string, id: string): KeptMail | undefined {
    const kept = this.#store.find(id)
    return kept?.account === account && kept.place === 'mailbox' ? kept : undefined
  }
}
