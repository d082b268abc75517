/** The report of one kind about one domain and one day, from what was counted. */
import {
  type DmarcDisposition,
  type DmarcPolicy,
  type DmarcRow,
  type TlsFailure,
  type TlsFailureKind,
  type TlsPolicy,
  type TlsPolicyCounts,
  formatAddress,
  parseDmarcTags,
  writeDmarcReport,
  writeTlsReport,
} from '@sealpost/mail'
import { DAY_MS, type DayCounts, type DomainCounts } from './day-counts.ts'
import { reportAddress } from './report-addresses.ts'

export interface AggregateReport {
  /** JSON or XML. */
  readonly text: string
  /** With an `@`: unique, and the same when the report is made again. */
  readonly id: string
  /** Milliseconds since the epoch; the end is the last second of the day. */
  readonly begin: number
  readonly end: number
}

/** `submitter`: our name, in A-labels. */
export function aggregateReport(
  day: DayCounts,
  domain: string,
  counts: DomainCounts,
  submitter: string,
): AggregateReport {
  const { kind, uniqueId, begin } = day
  const end = begin + DAY_MS - 1000
  const id = `${uniqueId}.${domain}@${submitter}`
  const contact = formatAddress(reportAddress(kind, submitter))
  if (kind === 'tls') {
    const policies = tlsPolicies(counts)
    return {
      text: writeTlsReport({ organization: submitter, contact, id, begin, end, policies }),
      id,
      begin,
      end,
    }
  }
  const text = writeDmarcReport({
    organization: submitter,
    email: contact,
    id,
    begin: begin / 1000,
    end: end / 1000,
    policy: publishedPolicy(domain, counts.note),
    records: [...counts.rows].map(([row, count]) => ({ ...(JSON.parse(row) as DmarcRow), count })),
  })
  return { text, id, begin, end }
}

function tlsPolicies({ rows }: DomainCounts): TlsPolicyCounts[] {
  const policies = new Map<string, { policy: TlsPolicy; succeeded: number; failures: TlsFailure[] }>()
  for (const [row, count] of rows) {
    const [policy, failure] = JSON.parse(row) as readonly [TlsPolicy, TlsFailureKind | null]
    const key = JSON.stringify(policy)
    const entry = policies.get(key) ?? { policy, succeeded: 0, failures: [] }
    policies.set(key, entry)
    if (failure === null) entry.succeeded += count
    else entry.failures.push({ ...failure, count })
  }
  return [...policies.values()].map(({ policy, succeeded, failures }) => ({ ...policy, succeeded, failures }))
}

/** RFC 9989 §4.7: with the defaults of what is not there; a `p` that is none counts as `none` (§4.10.1). */
function publishedPolicy(domain: string, record: string): DmarcPolicy {
  const tags = parseDmarcTags(record)
  const [sp, np, fo] = [disposition(tags?.get('sp')), disposition(tags?.get('np')), tags?.get('fo')]
  return {
    domain,
    p: disposition(tags?.get('p')) ?? 'none',
    ...(sp === undefined ? {} : { sp }),
    ...(np === undefined ? {} : { np }),
    adkim: tags?.get('adkim')?.toLowerCase() === 's' ? 's' : 'r',
    aspf: tags?.get('aspf')?.toLowerCase() === 's' ? 's' : 'r',
    ...(fo === undefined ? {} : { fo }),
    testing: tags?.get('t')?.toLowerCase() === 'y',
  }
}

function disposition(text: string | undefined): DmarcDisposition | undefined {
  const name = text?.toLowerCase()
  return name === 'none' || name === 'quarantine' || name === 'reject' ? name : undefined
}
