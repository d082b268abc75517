/** What memory knows of all mails that are kept, and how much of it waits in each mailbox: counted as mails come and go, since every recipient asks. */
import type { KeptMail } from './kept-mail.ts'

export interface Waiting {
  readonly mails: number
  /** Of their bodies. */
  readonly bytes: number
}

const NOTHING: Waiting = { mails: 0, bytes: 0 }

export class KeptMails {
  readonly #mails = new Map<string, KeptMail>()
  readonly #waiting = new Map<string, Waiting>()
  /** Of those in mailboxes: a mail that is delivered again after a crash is known by it. */
  readonly #sources = new Set<string>()

  get size(): number {
    return this.#mails.size
  }

  add(mail: KeptMail): void {
    this.#mails.set(mail.id, mail)
    if (mail.source !== undefined) this.#sources.add(mail.source)
    this.#count(mail, 1)
  }

  /** False: it was gone. */
  delete(mail: KeptMail): boolean {
    if (!this.#mails.delete(mail.id)) return false
    if (mail.source !== undefined) this.#sources.delete(mail.source)
    this.#count(mail, -1)
    return true
  }

  get(id: string): KeptMail | undefined {
    return this.#mails.get(id)
  }

  has(id: string): boolean {
    return this.#mails.has(id)
  }

  /** Whether a copy waits in a mailbox. */
  hasCopy(source: string): boolean {
    return this.#sources.has(source)
  }

  values(): Iterable<KeptMail> {
    return this.#mails.values()
  }

  /** In the mailbox of an account. */
  waiting(account: string): Waiting {
    return this.#waiting.get(account) ?? NOTHING
  }

  #count({ account, place, bodyBytes }: KeptMail, sign: 1 | -1): void {
    if (place !== 'mailbox' || account === undefined) return
    const before = this.waiting(account)
    const mails = before.mails + sign
    if (mails === 0) this.#waiting.delete(account)
    else this.#waiting.set(account, { mails, bytes: before.bytes + sign * bodyBytes })
  }
}
