/**
 * Once a day, some hours after its end, the reports about it: each to whom its domain names now, by mail through our own queue or by HTTPS (RFC 8460 §5, RFC 9990 §3.5).
 * What cannot be sent is tried again each hour, and given up when the counts are over their time.
 */
import type { ReportKind } from '@sealpost/ports'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { errorCode } from '@sealpost/errors'
import { type ReportUri, writeReportMail } from '@sealpost/mail'
import type { Clock, Random } from '@sealpost/runtime'
import type { Resolver } from '../dns/resolver.ts'
import type { PostPublic } from '../pgp/fetch-public.ts'
import type { MailQueue } from '../queue/mail-queue.ts'
import { type AggregateReport, aggregateReport } from './aggregate-report.ts'
import { DAY_MS, type DayCounts } from './day-counts.ts'
import type { ReportCollector } from './report-collector.ts'
import { reportAddress } from './report-addresses.ts'
import { reportDestinations } from './report-destinations.ts'
import type { ReportEvents } from './report-events.ts'
import { KEPT_MS, type SealedDays } from './sealed-days.ts'

const compress = promisify(gzip)
const CHECK_MS = 60_000
/** So much of what was counted a `kill -9` may lose. */
const SAVE_MS = 30_000
const AGAIN_MS = 60 * 60_000
const STOP_MS_MAX = 2_000
/** After so many reports it is on record that they are sent. */
const TOGETHER_MAX = 50
/** RFC 8460 §5.2: many receivers take ten megabytes and no more. */
const MAIL_BYTES_MAX = 10 * 1024 * 1024

export interface ReportSenderOptions {
  readonly collector: ReportCollector
  readonly sealed: SealedDays
  readonly queue: Pick<MailQueue, 'draft' | 'enqueue'>
  readonly resolver: Resolver
  readonly post: PostPublic
  /** Whose reports they are: the first of our domains, in A-labels. */
  readonly submitter: string
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<ReportEvents, 'reportSent'> & { queueTroubled(code: string): void }
}

interface Sending {
  readonly kind: ReportKind
  readonly domain: string
  readonly uniqueId: string
  readonly report: AggregateReport
  readonly bytes: Buffer
}

export class ReportSender implements AsyncDisposable {
  readonly #options: ReportSenderOptions
  readonly #timers = new DisposableStack()
  #working: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(options: ReportSenderOptions) {
    this.#options = options
    this.#timers.use(options.clock.every(SAVE_MS, () => this.save()))
    this.#timers.use(options.clock.every(CHECK_MS, () => this.send()))
  }

  /** What has changed is durable when it resolves, if the store takes it. */
  save(): Promise<void> {
    return this.#inTurn(() => this.#saveAll())
  }

  /** All that is due. */
  send(): Promise<void> {
    return this.#inTurn(async () => {
      const now = this.#options.clock.now()
      for (const day of this.#options.collector.days) {
        if (now < day.begin + DAY_MS) continue
        if (now >= day.begin + DAY_MS + KEPT_MS) this.#giveUp(day)
        else if (now >= day.sendAt) await this.#sendDay(day)
      }
    })
  }

  /** Counts are kept for the next start; what is under way has a moment. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.dispose()
    this.#isStopped = true
    const late = Promise.withResolvers<void>()
    const limit = this.#options.clock.after(STOP_MS_MAX, late.resolve)
    await Promise.race([this.#working, late.promise])
    limit[Symbol.dispose]()
    await this.#saveAll()
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const turn = this.#working.then(task)
    this.#working = turn.catch(() => undefined)
    return turn
  }

  async #saveAll(): Promise<void> {
    for (const day of this.#options.collector.days) if (day.isChanged) await this.#save(day)
  }

  async #save(day: DayCounts): Promise<void> {
    try {
      await this.#options.sealed.save(day)
    } catch (error) {
      this.#options.events.queueTroubled(errorCode(error))
    }
  }

  async #sendDay(day: DayCounts): Promise<void> {
    const { clock, collector } = this.#options
    for (const [index, domain] of day.domains.entries()) {
      if (await this.#sendReport(day, domain)) day.forget(domain)
      if (this.#isStopped) return
      if (index % TOGETHER_MAX === TOGETHER_MAX - 1) await this.#save(day)
    }
    day.sendAt = clock.now() + AGAIN_MS
    await this.#save(day)
    if (day.domains.length === 0) collector.forget(day)
  }

  /** False: not now, or not to all of its destinations. */
  async #sendReport(day: DayCounts, domain: string): Promise<boolean> {
    const { resolver, submitter, events } = this.#options
    const { kind, uniqueId } = day
    const counts = day.of(domain)
    const destinations = await reportDestinations(kind, domain, resolver)
    if (counts === undefined || destinations.result === 'failed') return false
    if (destinations.unverified > 0) events.reportSent(kind, 'unverified')
    else if (destinations.uris.length === 0) events.reportSent(kind, 'unwanted')
    const report = aggregateReport(day, domain, counts, submitter)
    const bytes = await compress(report.text)
    let isDone = true
    for (const destination of destinations.uris) {
      if (counts.done.has(destination.uri)) continue
      if (await this.#deliver({ kind, domain, uniqueId, report, bytes }, destination))
        counts.done.add(destination.uri)
      else isDone = false
    }
    return isDone
  }

  /** False: to be tried again. */
  async #deliver(sending: Sending, destination: ReportUri): Promise<boolean> {
    const { post, events } = this.#options
    const { kind, bytes } = sending
    try {
      if (destination.kind === 'mailto') return await this.#mail(sending, destination)
      const { host, path } = destination
      const isTaken = await post(host, path, { type: 'application/tlsrpt+gzip', bytes })
      events.reportSent(kind, isTaken ? 'https' : 'failed')
      return isTaken
    } catch {
      events.reportSent(kind, 'failed')
      return false
    }
  }

  /** What is too large is not sent at all (RFC 7489 §6.2). Throws QueueError. */
  async #mail(
    { kind, domain, uniqueId, report, bytes: gzipped }: Sending,
    { address, bytesMax = MAIL_BYTES_MAX }: Extract<ReportUri, { kind: 'mailto' }>,
  ): Promise<boolean> {
    const { queue, submitter, clock, random, events } = this.#options
    const { id, begin, end } = report
    const from = reportAddress(kind, submitter)
    const { header, body } = writeReportMail({
      kind,
      domain,
      submitter,
      id,
      from,
      to: address,
      date: clock.now(),
      begin,
      end,
      uniqueId,
      boundary: random.token(18),
      gzip: gzipped,
    })
    if (header.length + body.length > Math.min(bytesMax, MAIL_BYTES_MAX)) {
      events.reportSent(kind, 'too_large')
      return true
    }
    await using draft = queue.draft()
    await draft.write(body)
    await draft.finish()
    const recipient = { address, notify: ['never'], originalRecipient: undefined } as const
    const envelope = {
      sender: from,
      recipients: [recipient],
      smtpUtf8: false,
      eightBit: false,
      requireTls: false,
      returnContent: undefined,
      envelopeId: undefined,
    }
    await queue.enqueue({ account: undefined, envelope, header, draft })
    events.reportSent(kind, 'mail')
    return true
  }

  #giveUp(day: DayCounts): void {
    const { collector, sealed, events } = this.#options
    for (const _ of day.domains) events.reportSent(day.kind, 'late')
    sealed.destroy(day)
    collector.forget(day)
  }
}
