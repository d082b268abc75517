/** What others report about our domains, and the DNS records by which they are asked to. */
import { domainToASCII } from 'node:url'
import { REPORT_NAMES } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { REPORTED_DAYS_MAX } from '@sealpost/ports'
import { type CommandContext, defineCommand } from './command.ts'

const DAYS_DEFAULT = 7

const reportSchema = Type.Object({
  kind: Type.Union([Type.Literal('tls'), Type.Literal('dmarc')]),
  domain: Type.String(),
  day: Type.String({ format: 'date', description: 'In UTC' }),
  reporter: Type.String({ description: 'The domain that the reports were proven to be from' }),
  results: Type.Array(
    Type.Object({
      result: Type.String({
        description:
          'tls: success, a result type of RFC 8460, or other. dmarc: pass (DKIM and SPF), pass-dkim, pass-spf, fail-none (nothing was done), fail-quarantine, fail-reject',
      }),
      count: Type.Integer({ description: 'Sessions (tls) or mails (dmarc)' }),
    }),
  ),
})
const reportsSchema = Type.Object({ items: Type.Array(reportSchema) })
const recordsSchema = Type.Object({
  items: Type.Array(
    Type.Object({
      name: Type.String({ description: 'Where the TXT record belongs' }),
      record: Type.String({ description: 'What it says' }),
    }),
  ),
})

/** In A-labels. */
export function ownDomain({ domains }: Pick<CommandContext, 'domains'>, name: string): string {
  const wanted = domainToASCII(name)
  if (wanted !== '' && domains.some((domain) => domainToASCII(domain) === wanted)) return wanted
  throw new HttpProblem(404, 'domain-unknown', 'There is no such domain here')
}

export const listMailReports = defineCommand({
  name: 'mail.reports',
  summary: 'List what other mail servers report about our domains: TLS (RFC 8460) and DMARC (RFC 9990)',
  method: 'GET',
  path: '/v1/mail-reports',
  access: 'mail:read',
  query: Type.Object(
    {
      domain: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
      days: Type.Optional(Type.Integer({ minimum: 0, maximum: REPORTED_DAYS_MAX, default: DAYS_DEFAULT })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: reportsSchema,
  async handle(context, { query: { domain, days = DAYS_DEFAULT } }) {
    const own = domain === undefined ? undefined : ownDomain(context, domain)
    const reported = await context.reports.reported(days, own)
    return { items: reported.map((each) => ({ ...each, results: [...each.results] })) }
  },
  lines: [{ noun: 'mail', verb: 'reports', print: printReports }],
})

function printReports({ items }: Static<typeof reportsSchema>): string {
  const lines = items.map(
    ({ day, domain, kind, reporter, results }) =>
      `${day}  ${domain}  ${kind}  ${reporter}  ${results.map(({ result, count }) => `${result} ${String(count)}`).join(', ')}`,
  )
  return lines.length === 0 ? 'Nothing was reported' : lines.join('\n')
}

export const showDomainRecords = defineCommand({
  name: 'domain.records',
  summary: 'Show the TXT records that a domain of ours needs for mail: DKIM keys, and where reports go',
  method: 'GET',
  path: '/v1/domains/:domain/records',
  access: 'domains:read',
  params: Type.Object({ domain: Type.String({ minLength: 1, maxLength: 253 }) }),
  status: 200,
  response: recordsSchema,
  async handle(context, { params }) {
    const domain = ownDomain(context, params.domain)
    const keys = await context.dkim.list(domain)
    return {
      items: [
        ...keys.map(({ name, record }) => ({ name, record })),
        // RFC 9989 §4.7: no more than to be told; RFC 8460 §3.
        { name: `_dmarc.${domain}`, record: `v=DMARC1; p=none; rua=mailto:${REPORT_NAMES.dmarc}@${domain}` },
        { name: `_smtp._tls.${domain}`, record: `v=TLSRPTv1; rua=mailto:${REPORT_NAMES.tls}@${domain}` },
      ],
    }
  },
  lines: [
    {
      noun: 'domain',
      verb: 'records',
      print: ({ items }) => items.map(({ name, record }) => printRecord(name, record)).join('\n'),
    },
  ],
})

/** As a zone file has it; RFC 1035 §3.3: strings of 255 octets at most. */
export function printRecord(name: string, record: string): string {
  const strings = (record.match(/.{1,255}/g) ?? []).map((part) => `"${part}"`)
  return `${name}. IN TXT ${strings.join(' ')}`
}
