/** RFC 8460 §4: SMTP TLS reports, written and read. */
import { ReportCounter, COUNT_MAX, type ReportSummary, readDomain, readId } from './report-summary.ts'

/** RFC 8460 §4.3. */
export const TLS_RESULT_TYPES = [
  'starttls-not-supported',
  'certificate-host-mismatch',
  'certificate-expired',
  'certificate-not-trusted',
  'validation-failure',
  'tlsa-invalid',
  'dnssec-invalid',
  'dane-required',
  'sts-policy-fetch-error',
  'sts-policy-invalid',
  'sts-webpki-invalid',
] as const
export type TlsResultType = (typeof TLS_RESULT_TYPES)[number]
export type TlsPolicyType = 'sts' | 'tlsa' | 'no-policy-found'

export interface TlsPolicy {
  readonly type: TlsPolicyType
  /** A-labels. */
  readonly domain: string
  /** The lines of an MTA-STS policy, or TLSA records; none where there is no policy. */
  readonly strings: readonly string[]
  /** Names of an MTA-STS policy. */
  readonly mxHosts: readonly string[]
}

export interface TlsPolicyCounts extends TlsPolicy {
  readonly succeeded: number
  readonly failures: readonly TlsFailure[]
}

export interface TlsFailure extends TlsFailureKind {
  /** Sessions. */
  readonly count: number
}

export interface TlsFailureKind {
  readonly type: TlsResultType
  /** Of the server; undefined: the failure was before one was asked. */
  readonly mxHost?: string | undefined
  readonly receivingIp?: string | undefined
  /** A code, such as `CERT_UNTRUSTED`. */
  readonly reason?: string | undefined
}

export interface TlsReport {
  readonly organization: string
  readonly contact: string
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly begin: number
  readonly end: number
  readonly policies: readonly TlsPolicyCounts[]
}

/** RFC 8460 §4.4. */
export function writeTlsReport({ organization, contact, id, begin, end, policies }: TlsReport): string {
  return JSON.stringify({
    'organization-name': organization,
    'date-range': { 'start-datetime': dateTime(begin), 'end-datetime': dateTime(end) },
    'contact-info': contact,
    'report-id': id,
    policies: policies.map(writePolicy),
  })
}

/** RFC 3339, to the second. */
function dateTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
}

function writePolicy({ type, domain, strings, mxHosts, succeeded, failures }: TlsPolicyCounts) {
  return {
    policy: {
      'policy-type': type,
      ...(strings.length === 0 ? {} : { 'policy-string': strings }),
      'policy-domain': domain,
      ...(mxHosts.length === 0 ? {} : { 'mx-host': mxHosts }),
    },
    summary: {
      'total-successful-session-count': succeeded,
      'total-failure-session-count': failures.reduce((sum, { count }) => sum + count, 0),
    },
    ...(failures.length === 0 ? {} : { 'failure-details': failures.map(writeFailure) }),
  }
}

function writeFailure({ type, mxHost, receivingIp, count, reason }: TlsFailure) {
  return {
    'result-type': type,
    ...(mxHost === undefined ? {} : { 'receiving-mx-hostname': mxHost }),
    ...(receivingIp === undefined ? {} : { 'receiving-ip': receivingIp }),
    'failed-session-count': count,
    ...(reason === undefined ? {} : { 'failure-reason-code': reason }),
  }
}

const POLICIES_MAX = 1_000
const DETAILS_MAX = 10_000
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

type Fields = Readonly<Record<string, unknown>>

/** A whole report, which the caller has bounded. Undefined: it is none. */
export function readTlsReport(text: string): ReportSummary | undefined {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isFields(json) || !isFields(json['date-range'])) return undefined
  const [id, start] = [readId(json['report-id']), json['date-range']['start-datetime']]
  const policies = list(json['policies'], POLICIES_MAX)
  const begin = typeof start === 'string' && DATE_TIME.test(start) ? Date.parse(start) : Number.NaN
  if (id === undefined || policies === undefined || policies.length === 0 || Number.isNaN(begin))
    return undefined
  const counter = new ReportCounter()
  return policies.every((policy) => readPolicy(policy, counter))
    ? { id, begin, counts: counter.counts }
    : undefined
}

/** Failures without a reason that we know are `other`: also those that the total has and the details have not. */
function readPolicy(
  { policy, summary, 'failure-details': details }: Fields,
  counter: ReportCounter,
): boolean {
  if (!isFields(policy) || !isFields(summary)) return false
  const domain = readDomain(policy['policy-domain'])
  const succeeded = readCount(summary['total-successful-session-count'])
  const failed = readCount(summary['total-failure-session-count'])
  const failures = list(details ?? [], DETAILS_MAX)
  if (domain === undefined || succeeded === undefined || failed === undefined || failures === undefined)
    return false
  counter.add(domain, 'success', succeeded)
  let detailed = 0
  for (const failure of failures) {
    const count = readCount(failure['failed-session-count'])
    if (count === undefined) return false
    const type = TLS_RESULT_TYPES.find((known) => known === failure['result-type'])
    counter.add(domain, type ?? 'other', count)
    detailed += count
  }
  counter.add(domain, 'other', failed - detailed)
  return true
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function list(value: unknown, max: number): Fields[] | undefined {
  return Array.isArray(value) && value.length <= max && value.every(isFields) ? value : undefined
}

function readCount(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= COUNT_MAX
    ? value
    : undefined
}
