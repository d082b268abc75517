/** The DNS doctor. */
import { domainToASCII } from 'node:url'
import { Type, type Static } from '@sealpost/http'
import { DNS_CHECKS, DNS_NEEDS, DNS_STATES, examine, type Finding } from '../dns/doctor.ts'
import { RECORD_TYPES } from '../dns/look-up.ts'
import { defineCommand } from './command.ts'
import { ownDomain } from './mail-reports.ts'
import { words } from './rights-schema.ts'

/** Each asks others a dozen questions. */
const EXAMINATIONS_PER_MINUTE = 20

const findingSchema = Type.Object({
  check: words(DNS_CHECKS),
  need: words(DNS_NEEDS),
  name: Type.String({ description: 'Of PTR, the IP address' }),
  type: words(RECORD_TYPES),
  expected: Type.String({ description: 'A record that would do' }),
  found: Type.Array(Type.String(), { description: 'Of those that are there, the ones that matter' }),
  state: Type.Unsafe<Finding['state']>({
    ...words(DNS_STATES),
    description: 'wrong: also where there are two and there must be one; unknown: nobody answers',
  }),
})
const findingsSchema = Type.Object({ items: Type.Array(findingSchema) })

function print({ items }: Static<typeof findingsSchema>): string {
  return items
    .flatMap(({ state, need, name, type, expected, found }) => [
      `${state.padEnd(8)} ${need.padEnd(12)} ${name} ${type} ${state === 'ok' ? found.join(' | ') : ''}`.trimEnd(),
      ...(state === 'ok' ? [] : [`    expected  ${expected}`]),
      ...(state === 'wrong' ? found.map((record) => `    found     ${record}`) : []),
    ])
    .join('\n')
}

export const examineDomain = defineCommand({
  name: 'domain.doctor',
  summary: 'Compare what DNS says for a domain of ours with what mail, chat and keys need there',
  method: 'GET',
  path: '/v1/domains/:domain/doctor',
  access: 'domains:read',
  requestsPerMinute: EXAMINATIONS_PER_MINUTE,
  params: Type.Object({ domain: Type.String({ minLength: 1, maxLength: 253 }) }),
  status: 200,
  response: findingsSchema,
  async handle(context, { params }) {
    const domain = ownDomain(context, params.domain)
    const host = domainToASCII(context.domains[0] ?? 'localhost')
    const dkim = await context.dkim.list(domain)
    const findings = await examine({ domain, host, dkim }, context.lookUp)
    return { items: findings.map((finding) => ({ ...finding, found: [...finding.found] })) }
  },
  lines: [{ noun: 'domain', verb: 'doctor', print }],
})
