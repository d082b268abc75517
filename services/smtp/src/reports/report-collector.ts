/**
 * Counts, for the domains that ask for reports and for no others, how the TLS of deliveries to them came out (RFC 8460) and how mail in their name was judged
 * (RFC 9990). Mail that is a report itself is not counted: reports about reports would never end.
 */
import type { ReportKind } from '@sealpost/ports'
import { parseDmarcTags, parseDmarcUris, parseTlsReporting } from '@sealpost/mail'
import type { Clock, Random, Supervisor } from '@sealpost/runtime'
import type { TlsResult } from '../delivery/tls-failure.ts'
import type { Resolver } from '../dns/resolver.ts'
import type { Client, Envelope } from '../reception/stage.ts'
import type { SenderVerdict } from '../stages/authentication/verdict.ts'
import { DAY_MS, DayCounts } from './day-counts.ts'
import { dmarcRow } from './dmarc-row.ts'
import { reportKind } from './report-addresses.ts'
import type { ReportEvents } from './report-events.ts'

/** RFC 8460 §4.1: reports of all senders do not come at once. */
const DELAY_MS_MAX = 4 * 60 * 60_000

export interface ReportCollectorOptions {
  readonly kinds: readonly ReportKind[]
  readonly resolver: Pick<Resolver, 'txt'>
  /** Ours, in A-labels. */
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly supervisor: Supervisor
  readonly events: Pick<ReportEvents, 'reportRowDropped'>
}

export class ReportCollector {
  readonly #options: ReportCollectorOptions
  readonly #days = new Map<string, DayCounts>()

  constructor(options: ReportCollectorOptions) {
    this.#options = options
  }

  get kinds(): readonly ReportKind[] {
    return this.#options.kinds
  }

  get days(): readonly DayCounts[] {
    return [...this.#days.values()]
  }

  /** Counted once it is known that the domain asks for reports. */
  tlsResult(result: TlsResult): void {
    if (this.kinds.includes('tls')) this.#options.supervisor.spawn(this.#tlsResult(result))
  }

  senderJudged(client: Client, { sender, recipients }: Envelope, verdict: SenderVerdict): void {
    const { domains } = this.#options
    if (!this.kinds.includes('dmarc')) return
    const isReport = recipients.every(
      ({ address }) => domains.includes(address.domain) && reportKind(address) !== undefined,
    )
    const { rr, policyDomain } = verdict.dmarc ?? {}
    const row = dmarcRow(client.address, sender, verdict)
    if (isReport || rr === undefined || policyDomain === undefined || row === undefined) return
    const rua = parseDmarcTags(rr)?.get('rua') ?? ''
    if (domains.includes(policyDomain) || parseDmarcUris(rua).length === 0) return
    this.#add('dmarc', policyDomain, JSON.stringify(row), rr)
  }

  /** Counts of before a restart; together with what was counted since. */
  restore(day: DayCounts): void {
    const key = `${day.kind} ${day.day}`
    const newer = this.#days.get(key)
    this.#days.set(key, day)
    for (const domain of newer?.domains ?? []) {
      const { note, rows } = newer?.of(domain) ?? { note: '', rows: [] }
      for (const [row, count] of rows) day.add(domain, row, note, count)
    }
  }

  forget(day: DayCounts): void {
    this.#days.delete(`${day.kind} ${day.day}`)
  }

  async #tlsResult({ domain, policy, failure }: TlsResult): Promise<void> {
    const answer = await this.#options.resolver.txt(`_smtp._tls.${domain}`)
    if (answer.result !== 'found' || parseTlsReporting(answer.records).length === 0) return
    this.#add('tls', domain, JSON.stringify([policy, failure ?? null]), '')
  }

  #add(kind: ReportKind, domain: string, row: string, note: string): void {
    if (!this.#today(kind).add(domain, row, note)) this.#options.events.reportRowDropped(kind)
  }

  #today(kind: ReportKind): DayCounts {
    const { clock, random } = this.#options
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    const known = this.#days.get(`${kind} ${day}`)
    if (known !== undefined) return known
    const uniqueId = random.bytes(8).toString('hex')
    const sendAt = Date.parse(day) + DAY_MS + (random.bytes(4).readUInt32BE() % DELAY_MS_MAX)
    const made = new DayCounts({ kind, day, uniqueId, sendAt })
    this.#days.set(`${kind} ${day}`, made)
    return made
  }
}
