/** RFC 9990: DMARC aggregate reports, written. Elements are in the order of its schema (appendix A). */

export interface DmarcReport {
  readonly organization: string
  readonly email: string
  /** RFC 9990 §3.5.1, without angle brackets. */
  readonly id: string
  /** Seconds since the epoch; the end belongs to the period. */
  readonly begin: number
  readonly end: number
  readonly policy: DmarcPolicy
  readonly records: readonly DmarcRecord[]
}

export type DmarcDisposition = 'none' | 'quarantine' | 'reject'

/** RFC 9990 §3.1.1.5: as it was published, with defaults where nothing was. */
export interface DmarcPolicy {
  readonly domain: string
  readonly p: DmarcDisposition
  readonly sp?: DmarcDisposition
  readonly np?: DmarcDisposition
  readonly adkim: 'r' | 's'
  readonly aspf: 'r' | 's'
  readonly fo?: string
  readonly testing: boolean
}

/** Mails of one kind, and how many. */
export interface DmarcRecord extends DmarcRow {
  readonly count: number
}

export interface DmarcRow {
  readonly sourceIp: string
  readonly disposition: DmarcDisposition | 'pass'
  /** Whether an aligned identifier passed. */
  readonly dkim: boolean
  readonly spf: boolean
  /** Why the disposition is not the policy's. */
  readonly reason?: 'local_policy' | 'policy_test_mode' | 'trusted_forwarder'
  readonly headerFrom: string
  /** Undefined: the null reverse-path. */
  readonly envelopeFrom?: string
  readonly dkimResults: readonly DkimAuthResult[]
  readonly spfResult?: { readonly domain: string; readonly result: string }
}

export interface DkimAuthResult {
  readonly domain: string
  readonly selector: string
  readonly result: string
}

const NAMESPACE = 'urn:ietf:params:xml:ns:dmarc-2.0'

export function writeDmarcReport(report: DmarcReport): string {
  const { organization, email, id, begin, end, policy } = report
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n',
    `<feedback xmlns="${NAMESPACE}">\n`,
    element('version', '1.0'),
    group('report_metadata', [
      element('org_name', organization),
      element('email', email),
      element('report_id', id),
      group('date_range', [element('begin', String(begin)), element('end', String(end))]),
      element('generator', 'Sealpost'),
    ]),
    writePolicy(policy),
    ...report.records.map(writeRecord),
    '</feedback>\n',
  ].join('')
}

function writePolicy({ domain, p, sp, np, adkim, aspf, fo, testing }: DmarcPolicy): string {
  return group('policy_published', [
    element('domain', domain),
    element('p', p),
    optional('sp', sp),
    optional('np', np),
    element('adkim', adkim),
    element('aspf', aspf),
    element('discovery_method', 'treewalk'),
    optional('fo', fo),
    element('testing', testing ? 'y' : 'n'),
  ])
}

function writeRecord(record: DmarcRecord): string {
  const { sourceIp, count, disposition, dkim, spf, reason, headerFrom, envelopeFrom } = record
  const evaluated = [
    element('disposition', disposition),
    element('dkim', dkim ? 'pass' : 'fail'),
    element('spf', spf ? 'pass' : 'fail'),
    reason === undefined ? '' : group('reason', [element('type', reason)]),
  ]
  const { dkimResults, spfResult } = record
  return group('record', [
    group('row', [
      element('source_ip', sourceIp),
      element('count', String(count)),
      group('policy_evaluated', evaluated),
    ]),
    group('identifiers', [
      element('header_from', headerFrom),
      element('envelope_from', envelopeFrom ?? ''), // RFC 9990 §3.1.1.10: empty for the null reverse-path.
    ]),
    group('auth_results', [
      ...dkimResults.map(({ domain, selector, result }) =>
        group('dkim', [element('domain', domain), element('selector', selector), element('result', result)]),
      ),
      spfResult === undefined
        ? ''
        : group('spf', [
            element('domain', spfResult.domain),
            element('scope', 'mfrom'),
            element('result', spfResult.result),
          ]),
    ]),
  ])
}

function group(name: string, children: readonly string[]): string {
  return `<${name}>\n${children.join('')}</${name}>\n`
}

function optional(name: string, text: string | undefined): string {
  return text === undefined ? '' : element(name, text)
}

const ESCAPES: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;' }

/** What XML 1.0 cannot have (§2.2) is left out. */
function element(name: string, text: string): string {
  const safe = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]/gu, '')
    .replaceAll(/[<>&]/g, (character) => ESCAPES[character] ?? '')
  return `<${name}>${safe}</${name}>\n`
}
