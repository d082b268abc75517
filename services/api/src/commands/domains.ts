/** Commands about the domains of this server: what an operator decides for one of them. */
import { MESSAGE_TTL_SECONDS_MAX, type DomainPolicy } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { defineCommand, type CommandContext } from './command.ts'

const policyFields = {
  e2ee: Type.Optional(
    Type.Union([Type.Literal('required'), Type.Literal('optional'), Type.Literal('off')], {
      description: 'Whether messages must be end-to-end encrypted',
    }),
  ),
  storage: Type.Optional(
    Type.Union([Type.Literal('sealed'), Type.Literal('none')], {
      description: 'none: no message ever waits on the server',
    }),
  ),
  message_ttl_seconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: MESSAGE_TTL_SECONDS_MAX,
      description: 'Longest life of an undelivered message; never longer than the server’s',
    }),
  ),
  mail_pgp: Type.Optional(
    Type.Union([Type.Literal('optional'), Type.Literal('on-arrival'), Type.Literal('required')], {
      description:
        'on-arrival: readable mail is encrypted to the recipient before it is stored; required: only encrypted mail comes in or goes out',
    }),
  ),
}

const policySchema = Type.Object(policyFields, {
  additionalProperties: false,
  description: 'What is absent is as the server is set',
})
const domainSchema = Type.Object({ domain: Type.String(), ...policyFields })
const domainParams = Type.Object({ domain: Type.String({ minLength: 1, maxLength: 1023 }) })

const NOTHING: DomainPolicy = {
  e2ee: undefined,
  storage: undefined,
  messageTtlSeconds: undefined,
  mailPgp: undefined,
}

function show(domain: string, policy: DomainPolicy = NOTHING): Static<typeof domainSchema> {
  const { e2ee, storage, messageTtlSeconds, mailPgp } = policy
  return {
    domain,
    ...(e2ee === undefined ? {} : { e2ee }),
    ...(storage === undefined ? {} : { storage }),
    ...(messageTtlSeconds === undefined ? {} : { message_ttl_seconds: messageTtlSeconds }),
    ...(mailPgp === undefined ? {} : { mail_pgp: mailPgp }),
  }
}

function print(shown: Static<typeof domainSchema>): string {
  const { domain, e2ee, storage, message_ttl_seconds: ttl, mail_pgp: mailPgp } = shown
  const decided = [
    e2ee === undefined ? [] : [`e2ee ${e2ee}`],
    storage === undefined ? [] : [`storage ${storage}`],
    ttl === undefined ? [] : [`message-ttl-seconds ${String(ttl)}`],
    mailPgp === undefined ? [] : [`mail-pgp ${mailPgp}`],
  ].flat()
  return [domain, ...(decided.length === 0 ? ['as the server'] : decided)].join('  ')
}

function served({ domains }: CommandContext, text: string): string {
  const { domain } = parseJid(text)
  if (!domains.includes(domain))
    throw new HttpProblem(404, 'domain-not-served', 'This server does not serve that domain')
  return domain
}

export const listDomains = defineCommand({
  name: 'domain.list',
  summary: 'List the domains of this server with what was decided for them',
  method: 'GET',
  path: '/v1/domains',
  access: 'domains:read',
  status: 200,
  response: Type.Object({ items: Type.Array(domainSchema) }),
  async handle({ accounts, domains }) {
    const policies = await accounts.domains.policies()
    return { items: domains.map((domain) => show(domain, policies.get(domain))) }
  },
  lines: [{ noun: 'domain', verb: 'list', print: ({ items }) => items.map(print).join('\n') }],
})

export const showDomainPolicy = defineCommand({
  name: 'domain.show',
  summary: 'Show what was decided for a domain',
  method: 'GET',
  path: '/v1/domains/:domain/policy',
  access: 'domains:read',
  params: domainParams,
  status: 200,
  response: domainSchema,
  async handle(context, { params }) {
    const domain = served(context, params.domain)
    return show(domain, (await context.accounts.domains.policies()).get(domain))
  },
  lines: [{ noun: 'domain', verb: 'show', print }],
})

export const setDomainPolicy = defineCommand({
  name: 'domain.set',
  summary: 'Decide for a domain, within a second; what is not given is as the server is set',
  method: 'PUT',
  path: '/v1/domains/:domain/policy',
  access: 'domains:write',
  async state(context, { params }) {
    const domain = served(context, params.domain)
    return show(domain, (await context.accounts.domains.policies()).get(domain))
  },
  params: domainParams,
  body: policySchema,
  status: 200,
  response: domainSchema,
  async handle(context, { params, body }) {
    const domain = served(context, params.domain)
    const { e2ee, storage, message_ttl_seconds: messageTtlSeconds, mail_pgp: mailPgp } = body
    const policy: DomainPolicy = { e2ee, storage, messageTtlSeconds, mailPgp }
    await context.accounts.domains.setPolicy(domain, policy)
    return show(domain, policy)
  },
  lines: [{ noun: 'domain', verb: 'set', print }],
})
