/** The recipients of one mail at one destination: they are tried together and have one schedule. */
import type { Random } from '@sealpost/runtime'
import type { Outcome } from './carrier.ts'
import type { Progress } from './mail-record.ts'
import type { KeptMail, OpenMail } from './kept-mail.ts'
import { type Notice, isWanted } from './notices.ts'
import { DELAY_NOTICE_MS, greylistPauseAfter, HELD_MS_MAX, pauseAfter } from './schedule.ts'

export class Job {
  readonly kept: KeptMail
  readonly destination: string
  /** Of its recipients in the envelope. */
  readonly places: readonly number[]
  /** The first attempt is on record since the mail was accepted. */
  fresh: boolean
  /** Waits at a destination, or is worked on. */
  busy = false
  /** Of its entry in the schedule. */
  dueAt = Number.POSITIVE_INFINITY

  constructor(kept: KeptMail, destination: string, places: readonly number[], fresh: boolean) {
    this.kept = kept
    this.destination = destination
    this.places = places
    this.fresh = fresh
  }

  /** Places of those that are still to be served. */
  get open(): number[] {
    return this.places.filter((place) => this.kept.state.recipients[place]?.done === false)
  }

  get progress(): Progress[] {
    return this.open.flatMap((place) => this.kept.state.recipients[place] ?? [])
  }

  get nextAt(): number {
    return Math.min(...this.progress.map(({ nextAt }) => nextAt))
  }

  /** When it is given up. A hold does not count, but nothing is kept for more than a month. */
  expiresAt(expiryMs: number): number {
    const { acceptedAt, state } = this.kept
    const last = acceptedAt + HELD_MS_MAX
    if (state.hold !== undefined) return last
    return Math.min((state.releasedAt ?? acceptedAt) + expiryMs, last)
  }

  /** When the sender has to be told that it takes longer. */
  get noticeAt(): number {
    const told = this.progress.every(({ delayTold }) => delayTold)
    return told ? Number.POSITIVE_INFINITY : this.kept.acceptedAt + DELAY_NOTICE_MS
  }

  /** Before an attempt: what is to happen if we do not live to see how it ends. */
  begin(now: number, random: Random, pauses: readonly number[]): void {
    for (const progress of this.progress) {
      if (!this.fresh) progress.attempts += 1
      progress.nextAt = now + pauseAfter(progress.attempts, random, pauses)
    }
    this.fresh = false
  }

  /** Another time, without having been tried. */
  postpone(until: number): void {
    for (const progress of this.progress) progress.nextAt = Math.max(progress.nextAt, until)
  }

  /** The notices that an attempt for these places gives rise to; those that wait get their reply and time. */
  conclude(
    mail: OpenMail,
    tried: readonly { readonly place: number; readonly outcome: Outcome }[],
    now: number,
    random: Random,
  ): Notice[] {
    return tried.flatMap(({ place, outcome }) => {
      const [progress, recipient] = [this.kept.state.recipients[place], mail.envelope.recipients[place]]
      if (progress === undefined || recipient === undefined) return []
      const { reply } = outcome
      progress.reply = reply
      if (outcome.result === 'deferred') {
        const pause = outcome.greylisted === true ? greylistPauseAfter(progress.attempts, random) : undefined
        if (pause !== undefined) progress.nextAt = now + pause
        return []
      }
      if (outcome.result === 'failed')
        return { recipient, action: 'failed', status: reply.status, reply } as const
      if (outcome.how === 'passed') return []
      const action = outcome.how === 'final' ? 'delivered' : 'relayed'
      return { recipient, action, status: reply.status, reply } as const
    })
  }

  /** Of all that wait: given up, or told of the delay. */
  notices(mail: OpenMail, action: 'failed' | 'delayed'): Notice[] {
    return this.open.flatMap((place) => {
      const [progress, recipient] = [this.kept.state.recipients[place], mail.envelope.recipients[place]]
      if (progress === undefined || recipient === undefined) return []
      // RFC 3463 §3.5: X.4.7, delivery time expired.
      const status = action === 'failed' ? '4.4.7' : (progress.reply?.status ?? '4.4.7')
      return { recipient, action, status, reply: progress.reply }
    })
  }
}

export function wanted(notices: readonly Notice[]): Notice[] {
  return notices.filter(({ recipient, action }) => isWanted(recipient, action))
}
