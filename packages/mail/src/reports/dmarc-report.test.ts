import * as fc from 'fast-check'
import { SaxesParser } from 'saxes'
import { expect, test } from 'vitest'
import { DmarcReportReader } from './dmarc-report-reader.ts'
import { type DmarcReport, writeDmarcReport } from './dmarc-report.ts'
import type { ReportSummary } from './report-summary.ts'

function read(text: string, size = text.length): ReportSummary | undefined {
  const reader = new DmarcReportReader()
  for (let at = 0; at < text.length; at += size) reader.write(text.slice(at, at + size))
  return reader.end()
}

/** The sample of RFC 9990 appendix B, on fewer lines. */
const SAMPLE = `<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0">
  <version>1.0</version>
  <report_metadata>
    <org_name>Sample Reporter</org_name>
    <email>report_sender@example-reporter.com</email>
    <extra_contact_info>...</extra_contact_info>
    <report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>
    <date_range><begin>302832000</begin><end>302918399</end></date_range>
    <generator>Example DMARC Aggregate Reporter v1.2</generator>
  </report_metadata>
  <policy_published>
    <domain>example.com</domain><p>quarantine</p><sp>none</sp><np>none</np>
    <testing>n</testing><discovery_method>treewalk</discovery_method>
  </policy_published>
  <record>
    <row>
      <source_ip>192.0.2.123</source_ip>
      <count>123</count>
      <policy_evaluated><disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated>
    </row>
    <identifiers><envelope_from>example.com</envelope_from><header_from>example.com</header_from></identifiers>
    <auth_results>
      <dkim><domain>example.com</domain><result>pass</result><selector>abc123</selector></dkim>
      <spf><domain>example.com</domain><result>fail</result></spf>
    </auth_results>
  </record>
</feedback>`

test('the sample of RFC 9990 appendix B is read, in pieces too', () => {
  const summary = {
    id: '3v98abbp8ya9n3va8yr8oa3ya',
    begin: 302_832_000_000,
    counts: [{ domain: 'example.com', result: 'pass-dkim', count: 123 }],
  }
  expect(read(SAMPLE)).toEqual(summary)
  expect(read(SAMPLE, 10)).toEqual(summary)
})

test.each([
  ['pass', 'pass', 'none', 'pass'],
  ['fail', 'pass', 'none', 'pass-spf'],
  ['fail', 'fail', 'none', 'fail-none'],
  ['fail', 'fail', 'quarantine', 'fail-quarantine'],
  ['fail', 'fail', 'reject', 'fail-reject'],
  ['fail', 'fail', 'pass', 'fail-none'],
])('DKIM %s, SPF %s, %s: %s', (dkim, spf, disposition, result) => {
  const text = SAMPLE.replace(
    /<policy_evaluated>.*<\/policy_evaluated>/,
    `<policy_evaluated><disposition>${disposition}</disposition><dkim>${dkim}</dkim><spf>${spf}</spf></policy_evaluated>`,
  )
  expect(read(text)?.counts).toEqual([{ domain: 'example.com', result, count: 123 }])
})

test('records of one outcome are added up; those of RFC 7489 have no namespace', () => {
  const [record = ''] = /<record>.*<\/record>/s.exec(SAMPLE) ?? []
  const text = SAMPLE.replace(' xmlns="urn:ietf:params:xml:ns:dmarc-2.0"', '').replace(
    record,
    record.repeat(3),
  )
  expect(read(text)?.counts).toEqual([{ domain: 'example.com', result: 'pass-dkim', count: 369 }])
})

test.each([
  ['another root', SAMPLE.replaceAll('feedback', 'report')],
  ['no record', SAMPLE.replace(/<record>.*<\/record>/s, '')],
  ['no id', SAMPLE.replace(/<report_id>.*<\/report_id>/, '')],
  ['no domain', SAMPLE.replace('<domain>example.com</domain><p>', '<p>')],
  ['no beginning', SAMPLE.replace('302832000', 'yesterday')],
  ['a count that is none', SAMPLE.replace('<count>123</count>', '<count>-1</count>')],
  ['no result', SAMPLE.replace('<dkim>pass</dkim>', '')],
  ['half of it', SAMPLE.slice(0, 900)],
  ['an entity of its own', `<!DOCTYPE feedback [<!ENTITY x "y">]>${SAMPLE}`],
])('%s is refused', (_what, text) => {
  expect(read(text)).toBeUndefined()
})

/**
 * RFC 9990 appendix A as far as it concerns what we write: children in the order in which we write them, `?` for those that may be missing and `*` for those that may
 * be many; of leaves the values.
 */
const SCHEMA: Readonly<Record<string, readonly string[] | RegExp>> = {
  feedback: ['version', 'report_metadata', 'policy_published', 'record*'],
  'feedback/version': /^1\.0$/,
  report_metadata: ['org_name', 'email', 'report_id', 'date_range', 'generator'],
  date_range: ['begin', 'end'],
  begin: /^\d+$/,
  end: /^\d+$/,
  policy_published: ['domain', 'p', 'sp?', 'np?', 'adkim', 'aspf', 'discovery_method', 'fo?', 'testing'],
  p: /^(none|quarantine|reject)$/,
  sp: /^(none|quarantine|reject)$/,
  np: /^(none|quarantine|reject)$/,
  adkim: /^[rs]$/,
  aspf: /^[rs]$/,
  discovery_method: /^treewalk$/,
  testing: /^[yn]$/,
  record: ['row', 'identifiers', 'auth_results'],
  row: ['source_ip', 'count', 'policy_evaluated'],
  count: /^\d+$/,
  policy_evaluated: ['disposition', 'dkim', 'spf', 'reason?'],
  disposition: /^(none|pass|quarantine|reject)$/,
  'policy_evaluated/dkim': /^(pass|fail)$/,
  'policy_evaluated/spf': /^(pass|fail)$/,
  reason: ['type'],
  type: /^(local_policy|mailing_list|other|policy_test_mode|trusted_forwarder)$/,
  identifiers: ['header_from', 'envelope_from'],
  auth_results: ['dkim*', 'spf?'],
  'auth_results/dkim': ['domain', 'selector', 'result'],
  'dkim/result': /^(none|pass|fail|policy|neutral|temperror|permerror)$/,
  'auth_results/spf': ['domain', 'scope', 'result'],
  scope: /^mfrom$/,
  'spf/result': /^(none|pass|fail|softfail|policy|neutral|temperror|permerror)$/,
}

/** What breaks the schema, by an XML parser that is not ours. */
function faults(text: string): string[] {
  const found: string[] = []
  const open: { name: string; children: string[]; text: string }[] = []
  const parser = new SaxesParser({ xmlns: true })
  parser.on('error', (error) => found.push(error.message))
  parser.on('opentag', ({ local, uri }) => {
    if (uri !== 'urn:ietf:params:xml:ns:dmarc-2.0') found.push(`${local} is in ${uri}`)
    open.at(-1)?.children.push(local)
    open.push({ name: local, children: [], text: '' })
  })
  parser.on('text', (more) => {
    const last = open.at(-1)
    if (last !== undefined) last.text += more
  })
  parser.on('closetag', () => {
    const element = open.pop()
    if (element === undefined) return
    const path = `${open.at(-1)?.name ?? ''}/${element.name}`
    const rule = SCHEMA[path] ?? SCHEMA[element.name]
    if (Array.isArray(rule)) {
      const pattern = rule.map(
        (child: string) => `(?:${child.replace(/[?*]$/, '')} )${/[?*]$/.exec(child)?.[0] ?? ''}`,
      )
      if (!new RegExp(`^${pattern.join('')}$`).test(element.children.map((child) => `${child} `).join('')))
        found.push(`${path} has ${element.children.join(' ')}`)
    } else if (rule instanceof RegExp && !rule.test(element.text)) found.push(`${path} is ${element.text}`)
    else if (element.children.length > 0) found.push(`${path} has children`)
  })
  parser.write(text).close()
  return found
}

const disposition = fc.constantFrom('none', 'quarantine', 'reject')
const arbitrary: fc.Arbitrary<DmarcReport> = fc.record({
  organization: fc.string({ unit: 'binary' }),
  email: fc.string(),
  id: fc.stringMatching(/^[\w.@-]{1,40}$/),
  begin: fc.nat(),
  end: fc.nat(),
  policy: fc.record(
    {
      domain: fc.constant('example.com'),
      p: disposition,
      sp: disposition,
      np: disposition,
      adkim: fc.constantFrom('r', 's'),
      aspf: fc.constantFrom('r', 's'),
      fo: fc.string(),
      testing: fc.boolean(),
    },
    { requiredKeys: ['domain', 'p', 'adkim', 'aspf', 'testing'] },
  ),
  records: fc.array(
    fc.record(
      {
        sourceIp: fc.ipV6(),
        count: fc.integer({ min: 1, max: 1_000 }),
        disposition: fc.constantFrom('none', 'quarantine', 'reject', 'pass'),
        dkim: fc.boolean(),
        spf: fc.boolean(),
        reason: fc.constantFrom('policy_test_mode', 'trusted_forwarder'),
        headerFrom: fc.string(),
        envelopeFrom: fc.string({ unit: 'binary' }),
        dkimResults: fc.array(
          fc.record({
            domain: fc.string(),
            selector: fc.string({ unit: 'binary' }),
            result: fc.constantFrom('pass', 'fail', 'neutral'),
          }),
          { maxLength: 3 },
        ),
        spfResult: fc.record({ domain: fc.string(), result: fc.constantFrom('pass', 'softfail') }),
      },
      { requiredKeys: ['sourceIp', 'count', 'disposition', 'dkim', 'spf', 'headerFrom', 'dkimResults'] },
    ),
    { minLength: 1, maxLength: 5 },
  ),
})

test('the structural test knows what breaks the schema', () => {
  const whole = writeDmarcReport(fc.sample(arbitrary, { numRuns: 1, seed: 1 })[0] as DmarcReport)
  expect(faults(whole)).toEqual([])
  expect(faults(whole.replace('<version>1.0</version>', ''))).not.toEqual([])
  expect(faults(whole.replace('<p>', '<q>').replace('</p>', '</q>'))).not.toEqual([])
  expect(faults(whole.replace('dmarc-2.0', 'dmarc-3.0'))).not.toEqual([])
})

test('what is written follows the schema of RFC 9990 appendix A, whatever is in it, and is read again', () => {
  fc.assert(
    fc.property(arbitrary, (report) => {
      const text = writeDmarcReport(report)
      expect(faults(text)).toEqual([])
      const total = read(text)?.counts.reduce((sum, { count }) => sum + count, 0)
      expect(total).toBe(report.records.reduce((sum, { count }) => sum + count, 0))
    }),
    { numRuns: 100 },
  )
})
