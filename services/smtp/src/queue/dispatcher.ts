/**
 * Brings mails to the carrier: each at once after it was accepted, then by its schedule; few at a time to one destination, so that no slow one holds others.
 * One process owns the mails, so that what is due is known in memory. An attempt is on record before it begins: a crash cannot make it hammer.
 */
import { errorCode } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { Carrier } from './carrier.ts'
import { type Destination, Destinations } from './destination.ts'
import { HotMails } from './hot-mails.ts'
import { Job } from './job.ts'
import type { Reply } from './mail-record.ts'
import type { KeptMail, OpenMail } from './kept-mail.ts'
import type { MailStore } from './mail-store.ts'
import type { Reporter } from './notices.ts'
import { Settlement, type SettlementOptions, TROUBLE_MS } from './settlement.ts'
import { Timetable } from './timetable.ts'

/** Attempts under way at once. */
const RUNNING_MAX = 200
/** More, for destinations that have none under way: slow ones cannot take every place. */
const RESERVED = 100
const STOP_MS_MAX = 2_000
/** Mails that waited for a dead destination come back spread over so long. */
const SPREAD_MS = 5_000
export interface DispatcherOptions {
  readonly store: MailStore
  readonly carrier: Carrier
  readonly reporter: Reporter
  readonly clock: Clock
  readonly random: Random
  /** A mail that was not delivered for so long is given up. */
  readonly expiryMs: number
  /** From one attempt to the next; the last one repeats. */
  readonly retryPausesMs: readonly number[]
  readonly events: SettlementOptions['events']
}

export class Dispatcher implements AsyncDisposable {
  readonly #options: DispatcherOptions
  readonly #destinations = new Destinations<Job>()
  readonly #jobs = new Map<string, readonly Job[]>()
  readonly #hot = new HotMails()
  readonly #stop = new AbortController()
  readonly #working = new Set<Promise<void>>()
  /** Destinations with jobs that are due, in the order in which they are served. */
  readonly #round = new Set<Destination<Job>>()
  readonly #timetable: Timetable
  readonly #settlement: Settlement
  #attempts = 0

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#timetable = new Timetable(options.clock, (job) => this.#wake(job))
    const finish = (kept: KeptMail): void => this.#finish(kept)
    this.#settlement = new Settlement({ ...options, finish, signal: this.#stop.signal })
  }

  /** Plans what the store holds from before. */
  start(): void {
    for (const kept of this.#options.store.all()) if (kept.place === 'outgoing') this.#plan(kept, false)
  }

  /** Just accepted: the first attempt begins in this turn. */
  add(mail: OpenMail): void {
    const jobs = this.#group(mail.kept, true)
    this.#hot.add(mail, jobs.length)
    this.#plan(mail.kept, true, jobs)
  }

  /** Its hold or its times have changed. */
  changed(kept: KeptMail): void {
    for (const job of this.#jobs.get(kept.id) ?? []) {
      this.#destinations.find(job.destination)?.revive()
      this.#wake(job)
    }
  }

  /** It was dropped. */
  forget(id: string): void {
    this.#jobs.delete(id)
    this.#hot.drop(id)
  }

  /** Why the destinations of a mail are left alone now, if they are. */
  reasons(kept: KeptMail): Reply[] {
    const now = this.#options.clock.now()
    return (this.#jobs.get(kept.id) ?? []).flatMap(({ destination }) => {
      const known = this.#destinations.find(destination)
      return known === undefined || known.deadUntil <= now ? [] : (known.reason ?? [])
    })
  }

  /** Resolves when nothing is being worked on. */
  async idle(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    this.#timetable[Symbol.dispose]()
    const late = Promise.withResolvers<void>()
    const limit = this.#options.clock.after(STOP_MS_MAX, late.resolve)
    await Promise.race([this.idle(), late.promise])
    limit[Symbol.dispose]()
  }

  #group(kept: KeptMail, fresh: boolean): Job[] {
    const groups = new Map<string, number[]>()
    for (const [place, domain] of kept.domains.entries()) {
      if (kept.state.recipients[place]?.done !== false) continue
      const destination = this.#options.carrier.destinationOf(domain)
      const group = groups.get(destination)
      if (group === undefined) groups.set(destination, [place])
      else group.push(place)
    }
    return [...groups].map(([destination, places]) => new Job(kept, destination, places, fresh))
  }

  #plan(kept: KeptMail, fresh: boolean, jobs = this.#group(kept, fresh)): void {
    this.#jobs.set(kept.id, jobs)
    if (jobs.length === 0) this.#finish(kept)
    for (const job of jobs) this.#wake(job)
  }

  /** Decides what comes next for a job: something now, or when. */
  #wake(job: Job): void {
    const { clock, expiryMs } = this.#options
    if (job.busy || !this.#isKept(job) || job.open.length === 0) return
    const now = clock.now()
    const expiresAt = job.expiresAt(expiryMs)
    if (now < expiresAt && job.kept.state.hold !== undefined) return this.#timetable.add(expiresAt, job)
    if (now >= expiresAt) return this.#work(job, () => this.#settlement.giveUp(job))
    if (now >= job.nextAt) return this.#offer(job)
    if (now >= job.noticeAt) return this.#work(job, () => this.#settlement.tellDelay(job))
    this.#timetable.add(Math.min(job.nextAt, expiresAt, job.noticeAt), job)
  }

  #isKept({ kept }: Job): boolean {
    return !this.#stop.signal.aborted && this.#options.store.find(kept.id) === kept
  }

  #isLive(job: Job): boolean {
    return job.kept.state.hold === undefined && this.#isKept(job)
  }

  /** The destination takes it when it may; one that is left alone gives it back to the schedule. */
  #offer(job: Job): void {
    const { clock, random } = this.#options
    const destination = this.#destinations.get(job.destination, clock.now())
    if (destination.deadUntil > clock.now()) {
      this.#postpone(
        job,
        destination.deadUntil + (random.bytes(2).readUInt16BE() % SPREAD_MS),
        destination.reason,
      )
      return
    }
    job.busy = true
    destination.add(job)
    this.#round.add(destination)
    this.#pump()
  }

  #postpone(job: Job, until: number, reason?: Reply): void {
    job.busy = false
    job.postpone(until)
    this.#hot.drop(job.kept.id)
    for (const progress of job.progress) progress.reply ??= reason
    this.#wake(job)
  }

  /** Starts what may be started, one destination after the other. */
  #pump(): void {
    for (let started = true; started;) {
      started = false
      for (const destination of this.#round) {
        if (this.#attempts >= RUNNING_MAX + (destination.running === 0 ? RESERVED : 0)) continue
        const job = destination.take()
        if (destination.waiting === 0) this.#round.delete(destination)
        if (job === undefined) continue
        started = true
        this.#start(job, destination)
      }
    }
  }

  #start(job: Job, destination: Destination<Job>): void {
    this.#attempts += 1
    destination.running += 1
    this.#work(job, async () => {
      let conclude: (() => Promise<void>) | undefined
      try {
        conclude = await this.#attempt(job, destination)
      } finally {
        this.#attempts -= 1
        destination.running -= 1
        this.#spread(destination)
        this.#pump()
      }
      await conclude?.()
    })
  }

  /** What is left to do after the connection; undefined: there was nothing to be tried. */
  async #attempt(job: Job, destination: Destination<Job>): Promise<(() => Promise<void>) | undefined> {
    const { store, carrier, clock, random, retryPausesMs, events } = this.#options
    if (!this.#isLive(job)) return undefined
    const { kept, fresh } = job
    job.begin(clock.now(), random, retryPausesMs)
    if (!fresh) await store.save(kept)
    const mail = (fresh ? this.#hot.take(kept.id) : undefined) ?? (await store.open(kept))
    if (mail === undefined) return undefined
    const places = job.open
    const recipients = places.flatMap((place) => mail.envelope.recipients[place] ?? [])
    const before = clock.monotonic()
    const { outcomes, reached } = await carrier.carry({
      id: kept.id,
      mail,
      acceptedAt: kept.acceptedAt,
      account: kept.account,
      destination: job.destination,
      recipients,
      signal: this.#stop.signal,
    })
    const seconds = (clock.monotonic() - before) / 1000
    for (const { result } of outcomes) events.attempted(result, seconds)
    if (reached) destination.succeeded()
    else if (!this.#stop.signal.aborted) destination.failed(clock.now(), outcomes[0]?.reply, random)
    const tried = places.flatMap((place, index) => {
      const outcome = outcomes[index]
      return outcome === undefined ? [] : { place, outcome }
    })
    return () => this.#settlement.conclude(job, mail, tried)
  }

  /** Those whose destination turned out dead meanwhile go back to the schedule; one that nobody needs is forgotten. */
  #spread(destination: Destination<Job>): void {
    if (destination.deadUntil > this.#options.clock.now()) {
      this.#round.delete(destination)
      for (const job of destination.takeAll()) {
        job.busy = false
        this.#offer(job)
      }
    }
    this.#destinations.tidy(destination)
  }

  #finish(kept: KeptMail): void {
    this.forget(kept.id)
    this.#options.store.shred(kept)
  }

  /** Work for a job that nobody awaits. When it fails, the job comes back. */
  #work(job: Job, task: () => Promise<void>): void {
    job.busy = true
    const working = (async () => {
      try {
        await task()
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#options.events.queueTroubled(errorCode(error))
        job.postpone(this.#options.clock.now() + TROUBLE_MS)
      }
      job.busy = false
      this.#wake(job)
    })()
    this.#working.add(working)
    void working.finally(() => this.#working.delete(working))
  }
}
