import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type TlsReport, readTlsReport, writeTlsReport } from './tls-report.ts'

/** RFC 8460 appendix B, without its line breaks within texts. */
const EXAMPLE = {
  'organization-name': 'Company-X',
  'date-range': { 'start-datetime': '2016-04-01T00:00:00Z', 'end-datetime': '2016-04-01T23:59:59Z' },
  'contact-info': 'sts-reporting@company-x.example',
  'report-id': '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
  policies: [
    {
      policy: {
        'policy-type': 'sts',
        'policy-string': [
          'version: STSv1',
          'mode: testing',
          'mx: *.mail.company-y.example',
          'max_age: 86400',
        ],
        'policy-domain': 'company-y.example',
        'mx-host': ['*.mail.company-y.example'],
      },
      summary: { 'total-successful-session-count': 5326, 'total-failure-session-count': 303 },
      'failure-details': [
        {
          'result-type': 'certificate-expired',
          'sending-mta-ip': '2001:db8:abcd:0012::1',
          'receiving-mx-hostname': 'mx1.mail.company-y.example',
          'failed-session-count': 100,
        },
        {
          'result-type': 'starttls-not-supported',
          'sending-mta-ip': '2001:db8:abcd:0013::1',
          'receiving-mx-hostname': 'mx2.mail.company-y.example',
          'receiving-ip': '203.0.113.56',
          'failed-session-count': 200,
          'additional-information':
            'https://reports.company-x.example/report_info?id=5065427c-23d3#StarttlsNotSupported',
        },
        {
          'result-type': 'validation-failure',
          'sending-mta-ip': '198.51.100.62',
          'receiving-ip': '203.0.113.58',
          'receiving-mx-hostname': 'mx-backup.mail.company-y.example',
          'failed-session-count': 3,
          'failure-reason-code': 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
        },
      ],
    },
  ],
} as const

test('the example of RFC 8460 appendix B is read', () => {
  const of = (result: string, count: number) => ({ domain: 'company-y.example', result, count })
  expect(readTlsReport(JSON.stringify(EXAMPLE))).toEqual({
    id: '5065427c-23d3-47ca-b6e0-946ea0e8c4be',
    begin: Date.UTC(2016, 3, 1),
    counts: [
      of('success', 5326),
      of('certificate-expired', 100),
      of('starttls-not-supported', 200),
      of('validation-failure', 3),
    ],
  })
})

test('the same report is written as the example has it, but for what we do not tell', () => {
  const [policy] = EXAMPLE.policies
  const report: TlsReport = {
    organization: 'Company-X',
    contact: EXAMPLE['contact-info'],
    id: EXAMPLE['report-id'],
    begin: Date.UTC(2016, 3, 1),
    end: Date.UTC(2016, 3, 2) - 1000,
    policies: [
      {
        type: 'sts',
        domain: 'company-y.example',
        strings: policy.policy['policy-string'],
        mxHosts: policy.policy['mx-host'],
        succeeded: 5326,
        failures: [
          { type: 'certificate-expired', mxHost: 'mx1.mail.company-y.example', count: 100 },
          {
            type: 'starttls-not-supported',
            mxHost: 'mx2.mail.company-y.example',
            receivingIp: '203.0.113.56',
            count: 200,
          },
          {
            type: 'validation-failure',
            mxHost: 'mx-backup.mail.company-y.example',
            receivingIp: '203.0.113.58',
            reason: 'X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED',
            count: 3,
          },
        ],
      },
    ],
  }
  const untold = ['sending-mta-ip', 'additional-information']
  const expected: unknown = JSON.parse(
    JSON.stringify(EXAMPLE, (key, value: unknown) => (untold.includes(key) ? undefined : value)),
  )
  expect(JSON.parse(writeTlsReport(report))).toEqual(expected)
})

test('a domain without a policy has no policy-string, one without failures no details', () => {
  const text = writeTlsReport({
    organization: 'x',
    contact: 'x@example.org',
    id: 'x',
    begin: 0,
    end: 1,
    policies: [
      {
        type: 'no-policy-found',
        domain: 'example.com',
        strings: [],
        mxHosts: [],
        succeeded: 2,
        failures: [],
      },
    ],
  })
  expect(JSON.parse(text)).toMatchObject({
    policies: [
      {
        policy: { 'policy-type': 'no-policy-found', 'policy-domain': 'example.com' },
        summary: { 'total-successful-session-count': 2, 'total-failure-session-count': 0 },
      },
    ],
  })
  expect(text).not.toMatch(/policy-string|mx-host|failure-details/)
})

test('failures without details, and of types nobody knows, are other', () => {
  const [policy] = EXAMPLE.policies
  const [detail] = policy['failure-details']
  const text = JSON.stringify({
    ...EXAMPLE,
    policies: [{ ...policy, 'failure-details': [{ ...detail, 'result-type': 'new' }] }],
  })
  expect(readTlsReport(text)?.counts).toContainEqual({
    domain: 'company-y.example',
    result: 'other',
    count: 303,
  })
})

test.each([
  ['no JSON', '{'],
  ['no object', '[]'],
  ['no id', JSON.stringify({ ...EXAMPLE, 'report-id': undefined })],
  ['no policies', JSON.stringify({ ...EXAMPLE, policies: [] })],
  ['a policy without a domain', JSON.stringify({ ...EXAMPLE, policies: [{ policy: {}, summary: {} }] })],
  ['a time that is none', JSON.stringify({ ...EXAMPLE, 'date-range': { 'start-datetime': 'today' } })],
  ['a count that is none', JSON.stringify(EXAMPLE).replace('5326', '-1')],
  ['a count beyond reason', JSON.stringify(EXAMPLE).replace('5326', '1e300')],
])('%s is refused', (_what, text) => {
  expect(readTlsReport(text)).toBeUndefined()
})

test('whatever JSON comes in, nothing breaks', () => {
  const leaf = fc.constantFrom<unknown>(
    'sts',
    'example.org',
    1,
    -1,
    1.5,
    null,
    [],
    {},
    '2016-04-01T00:00:00Z',
    'x',
  )
  const fuzzed = fc.array(leaf, { minLength: 40, maxLength: 40 }).map((leaves) => {
    let next = 0
    // Every third value of the example is another one.
    return JSON.stringify(EXAMPLE, (key, value: unknown) =>
      (next += 1) % 3 === 0 && key !== '' ? leaves[next % 40] : value,
    )
  })
  fc.assert(
    fc.property(fc.oneof(fuzzed, fc.json()), (text) => {
      for (const { count } of readTlsReport(text)?.counts ?? []) expect(count).toBeGreaterThan(0)
    }),
    { numRuns: 500 },
  )
})
