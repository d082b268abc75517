/**
 * Mail to the addresses for reports is read while its sender waits, counted, and not kept: RFC 8460 and RFC 9990 from the side of the domain. A report counts for the domain
 * that it is proven to be from, and only once; anybody could make up the others.
 */
import type { ReportKind } from '@sealpost/ports'
import { errorCode } from '@sealpost/errors'
import { ReportCounter } from '@sealpost/mail'
import type { Clock } from '@sealpost/runtime'
import { localDomain } from '../local-mailbox.ts'
import { type Stage, type Transaction } from '../reception/stage.ts'
import type { Content } from '../content.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { type SenderVerdict, senderVerdict } from '../stages/authentication/verdict.ts'
import { reportKind } from './report-addresses.ts'
import type { ReceivedOutcome, ReportEvents } from './report-events.ts'
import { type ReadReport, readReport } from './report-reader.ts'
import { type ReceivedStore, dayOf } from './received-store.ts'

/** Read at once; each holds a few megabytes. */
const READING_MAX = 8
const DAY_MS = 24 * 60 * 60_000
/** Days whose reports are taken: as many as a mail may be under way and be written late. */
const DAYS_MAX = 14

const reject: Readonly<Partial<Record<ReceivedOutcome, () => SmtpReply>>> = {
  unreadable: () => new SmtpReply(550, '5.6.0', 'No report that can be read: see RFC 8460 and RFC 9990'), // RFC 3463 §3.7
  foreign: () => new SmtpReply(550, '5.7.1', 'No report about these days and a domain of this server'), // RFC 3463 §3.8
  unproven: () => new SmtpReply(550, '5.7.1', 'A report must be signed by the domain of its author (DKIM)'), // RFC 8460 §3, RFC 9990 §3.5.2
  busy: () => new SmtpReply(451, '4.3.2', 'Too many reports at once, try again later'), // RFC 3463 §3.4
}
const broken = (): SmtpReply => new SmtpReply(451, '4.3.0', 'The report cannot be counted now') // RFC 3463 §3.4

export interface ReportIntakeOptions {
  readonly store: Pick<ReceivedStore, 'add'>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly events: Pick<ReportEvents, 'reportReceived'> & { stageFailed(stage: string, code: string): void }
}

export function reportIntakeStage(options: ReportIntakeOptions): Stage {
  const { domains, events } = options
  let reading = 0
  return {
    name: 'report-intake',
    async message(transaction, content) {
      const kinds = transaction.envelope.recipients.map(({ address }) =>
        localDomain(address, domains) === undefined ? undefined : reportKind(address),
      )
      const kind = kinds.find((each) => each !== undefined)
      if (kind === undefined) return undefined
      reading += 1
      let reply: SmtpReply | undefined
      try {
        const outcome = reading > READING_MAX ? 'busy' : await take(transaction, content, options)
        events.reportReceived(kind, outcome)
        reply = reject[outcome]?.()
      } catch (error) {
        events.stageFailed('report-intake', errorCode(error))
        reply = broken()
      } finally {
        reading -= 1
      }
      // A mail that is for others, too, is theirs whatever the report is like.
      return kinds.includes(undefined) ? undefined : reply
    },
  }
}

/** Throws DbError. */
async function take(
  transaction: Transaction,
  content: Content,
  { store, domains, clock }: ReportIntakeOptions,
): Promise<ReceivedOutcome> {
  const verdict = senderVerdict.get(transaction)
  if (verdict === undefined || provenDomain(verdict, 'dmarc') === undefined) return 'unproven'
  const report = await readReport(transaction.header, content)
  if (report === undefined) return 'unreadable'
  const { kind, summary } = report
  const reporter = provenDomain(verdict, kind)
  if (reporter === undefined) return 'unproven'
  const counts = ownCounts(report, domains)
  const now = clock.now()
  const isTimely = summary.begin > now - DAYS_MAX * DAY_MS && summary.begin < now + DAY_MS
  if (counts.length === 0 || !isTimely) return 'foreign'
  const day = dayOf(summary.begin)
  return (await store.add({ kind, reporter, id: summary.id, day, counts })) ? 'counted' : 'repeated'
}

/** Those about our domains and what is below them, such as a server whose TLSA records are reported. */
function ownCounts(
  { summary: { counts } }: ReadReport,
  domains: readonly string[],
): ReadReport['summary']['counts'] {
  const counter = new ReportCounter()
  for (const { domain, result, count } of counts) {
    const ours = domains.find((own) => domain === own || domain.endsWith(`.${own}`))
    if (ours !== undefined) counter.add(ours, result, count)
  }
  return counter.counts
}

/** RFC 8460 §3 asks for a signature of the reporting domain; RFC 9990 §3.5.2 for an aligned pass, which SPF may give. */
function provenDomain({ dmarc, signatures }: SenderVerdict, kind: ReportKind): string | undefined {
  const author = dmarc?.status.header?.from?.toLowerCase()
  if (dmarc === undefined || author === undefined) return undefined
  const { dkim } = dmarc.alignment ?? {}
  if (dmarc.status.result === 'pass' && (kind === 'dmarc' || dkim?.result !== undefined)) return dmarc.domain
  // Of a domain without a DMARC record.
  const signer = signatures.results.find(
    ({ status, signingDomain = '' }) =>
      status.result === 'pass' && (author === signingDomain || author.endsWith(`.${signingDomain}`)),
  )
  return dmarc.status.result === 'none' ? signer?.signingDomain : undefined
}
