/** What follows an attempt, or the end of a mail's time: its sender is told what he wants to know, and whoever is served is served no more. */
import { errorCode } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { Outcome } from './carrier.ts'
import { type Job, wanted } from './job.ts'
import type { KeptMail, OpenMail } from './kept-mail.ts'
import type { Reply } from './mail-record.ts'
import type { MailStore } from './mail-store.ts'
import type { Notice, Reporter } from './notices.ts'

/** After the database or the disk failed us, or a report could not be kept. */
export const TROUBLE_MS = 10_000
/** RFC 3463 §3.5: X.4.7, delivery time expired. */
const HELD: Reply = {
  code: 451,
  status: '4.4.7',
  text: 'The mail was held here for 30 days',
  host: undefined,
}

export interface SettlementOptions {
  readonly store: MailStore
  readonly reporter: Reporter
  readonly clock: Clock
  readonly random: Random
  readonly expiryMs: number
  readonly events: {
    attempted(outcome: Outcome['result'], seconds: number): void
    /** Something of ours failed; the mail stays. */
    queueTroubled(code: string): void
  }
  /** Nobody is left to be served: the mail goes. */
  readonly finish: (kept: KeptMail) => void
  /** Aborted when the relay stops. */
  readonly signal: AbortSignal
}

/** What became of one recipient, by its place in the envelope. */
export interface Tried {
  readonly place: number
  readonly outcome: Outcome
}

export class Settlement {
  readonly #options: SettlementOptions

  constructor(options: SettlementOptions) {
    this.#options = options
  }

  /** After an attempt. */
  async conclude(job: Job, mail: OpenMail, tried: readonly Tried[]): Promise<void> {
    const { clock, random } = this.#options
    await this.#report(job, mail, job.conclude(mail, tried, clock.now(), random))
    const done = tried.filter(({ outcome }) => outcome.result !== 'deferred').map(({ place }) => place)
    await this.#close(job, done)
  }

  /** RFC 5321 §4.5.4.1: the time is over. */
  async giveUp(job: Job): Promise<void> {
    const mail = await this.#options.store.open(job.kept)
    if (mail === undefined) return
    if (job.kept.state.hold !== undefined) for (const progress of job.progress) progress.reply = HELD
    for (const _ of job.open) this.#options.events.attempted('failed', 0)
    await this.#report(job, mail, job.notices(mail, 'failed'))
    await this.#close(job, job.open)
  }

  /** The sender hears that it takes longer. */
  async tellDelay(job: Job): Promise<void> {
    const mail = await this.#options.store.open(job.kept)
    if (mail === undefined) return
    await this.#report(job, mail, job.notices(mail, 'delayed'))
    for (const progress of job.progress) progress.delayTold = true
    await this.#options.store.save(job.kept)
  }

  async #report(job: Job, mail: OpenMail, notices: readonly Notice[]): Promise<void> {
    const asked = wanted(notices)
    // Reports go to our own users only: whoever sent from outside was refused while it was there, or cannot be known.
    if (asked.length === 0 || job.kept.account === undefined || mail.envelope.sender === undefined) return
    const retryUntil = job.expiresAt(this.#options.expiryMs)
    await this.#insist(() => this.#options.reporter.report(mail, asked, retryUntil))
  }

  /** Until it succeeds or the relay stops: the remote servers have done their part, and nobody else knows. */
  async #insist(task: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await task()
      } catch (error) {
        this.#options.events.queueTroubled(errorCode(error))
      }
      await this.#pause(TROUBLE_MS)
    }
  }

  /** These are served, or told about; with the last one the mail goes. */
  async #close({ kept }: Job, places: readonly number[]): Promise<void> {
    for (const place of places) {
      const progress = kept.state.recipients[place]
      if (progress !== undefined) progress.done = true
    }
    if (kept.state.recipients.every(({ done }) => done)) this.#options.finish(kept)
    else await this.#insist(() => this.#options.store.save(kept))
  }

  async #pause(ms: number): Promise<void> {
    const { clock, signal } = this.#options
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = clock.after(ms, resolve)
    const stopped = (): void => reject(new Error('The relay stops'))
    signal.addEventListener('abort', stopped)
    try {
      await promise
    } finally {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', stopped)
    }
  }
}
