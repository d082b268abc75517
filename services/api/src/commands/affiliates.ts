/** Commands about affiliates and those whom they referred. While the module is off there is nothing of it. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { Affiliate } from '../affiliates/affiliate.ts'
import type { Affiliates } from '../affiliates/affiliates.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'

const COMMISSION_CENTS_MAX = 10_000_000
const strict = { additionalProperties: false } as const
const uuid = Type.String({ format: 'uuid' })
const params = Type.Object({ id: uuid })

const affiliateSchema = Type.Object({
  id: uuid,
  label: Type.String(),
  code: Type.String({ description: 'For POST /v1/referrals/clicks' }),
  commission_cents: Type.Integer({ description: 'For each referral that qualifies, CAD' }),
  closed: Type.Boolean({ description: 'Nobody is referred any more' }),
  created_on: Type.String({ format: 'date' }),
})

function moduleOf({ affiliates }: CommandContext): Affiliates {
  if (affiliates === undefined)
    throw new HttpProblem(404, 'affiliates-off', 'Affiliates are off on this server')
  return affiliates
}

function show({
  id,
  label,
  code,
  commissionCents,
  closed,
  createdOn,
}: Affiliate): Static<typeof affiliateSchema> {
  return { id, label, code, commission_cents: commissionCents, closed, created_on: createdOn }
}

function print({ id, label, code, commission_cents: cents, closed }: Static<typeof affiliateSchema>): string {
  return `${id}  ${code}  ${String(cents)} cents${closed ? '  closed' : ''}  ${label}`
}

const createAffiliate = defineCommand({
  name: 'affiliate.create',
  summary: 'Make an affiliate, with the code of their link',
  method: 'POST',
  path: '/v1/affiliates',
  access: 'affiliates:write',
  records: ['commission_cents'],
  body: Type.Object(
    {
      label: Type.String({ minLength: 1, maxLength: 100, pattern: String.raw`^[^\u0000-\u001f\u007f]*$` }),
      commission_cents: Type.Integer({ minimum: 1, maximum: COMMISSION_CENTS_MAX }),
    },
    strict,
  ),
  status: 201,
  response: affiliateSchema,
  handle: async (context, { body }) =>
    show(await moduleOf(context).create(body.label, body.commission_cents)),
  lines: [{ noun: 'affiliate', verb: 'create', positional: ['label'], print }],
})

const listAffiliates = defineCommand({
  name: 'affiliate.list',
  summary: 'List the affiliates',
  method: 'GET',
  path: '/v1/affiliates',
  access: 'affiliates:read',
  status: 200,
  response: Type.Object({ items: Type.Array(affiliateSchema) }),
  handle: async (context) => ({ items: (await moduleOf(context).list()).map(show) }),
  lines: [
    {
      noun: 'affiliate',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No affiliates' : items.map(print).join('\n')),
    },
  ],
})

const closeAffiliate = defineCommand({
  name: 'affiliate.close',
  summary: 'Take no more referrals of an affiliate; what they earned stays theirs',
  method: 'DELETE',
  path: '/v1/affiliates/:id',
  access: 'affiliates:write',
  params,
  status: 200,
  response: params,
  async handle(context, { params: { id } }) {
    await moduleOf(context).close(id)
    return { id }
  },
  lines: [{ noun: 'affiliate', verb: 'close', print: ({ id }) => `${id} closed` }],
})

const statementSchema = Type.Object({
  month: Type.String({ format: 'date', description: 'Its first day' }),
  cents: Type.Integer({ description: 'Earned less reversed' }),
  payable_cents: Type.Integer(),
  carried_cents: Type.Integer({ description: 'To the next month' }),
  issued_on: Type.String({ format: 'date' }),
})

const listStatements = defineCommand({
  name: 'affiliate.statements',
  summary: 'List the statements of an affiliate: forty-five days after each month',
  method: 'GET',
  path: '/v1/affiliates/:id/statements',
  access: 'affiliates:read',
  params,
  status: 200,
  response: Type.Object({ items: Type.Array(statementSchema) }),
  async handle(context, request) {
    const statements = await moduleOf(context).statements(request.params.id)
    return {
      items: statements.map(({ month, cents, payableCents, carriedCents, issuedOn }) => ({
        month,
        cents,
        payable_cents: payableCents,
        carried_cents: carriedCents,
        issued_on: issuedOn,
      })),
    }
  },
  lines: [
    {
      noun: 'affiliate',
      verb: 'statements',
      print: ({ items }) =>
        items.length === 0
          ? 'No statements'
          : items
              .map(
                ({ month, cents, payable_cents: payable, carried_cents: carried }) =>
                  `${month.slice(0, 7)}  ${String(cents)} cents, ${String(payable)} payable, ${String(carried)} carried over`,
              )
              .join('\n'),
    },
  ],
})

const click = defineCommand({
  name: 'referral.click',
  summary: 'Say that somebody followed the link of an affiliate; nothing is kept of that',
  method: 'POST',
  path: '/v1/referrals/clicks',
  access: 'anyone',
  requestsPerMinute: 60,
  body: Type.Object(
    { code: Type.String({ minLength: 16, maxLength: 16, pattern: '^[A-Za-z0-9_-]+$' }) },
    strict,
  ),
  status: 200,
  response: Type.Object({
    token: Type.String({ description: 'For POST /v1/referrals, within ninety days' }),
  }),
  handle: async (context, { body }) => ({ token: await moduleOf(context).click(body.code) }),
})

const subject = Type.Object({
  subject: Type.String({ format: 'uuid', description: 'Id of an organisation or an account' }),
})

const createReferral = defineCommand({
  name: 'referral.create',
  summary: 'Say that somebody who came by the link of an affiliate signed up',
  method: 'POST',
  path: '/v1/referrals',
  access: 'affiliates:write',
  records: ['subject'],
  body: Type.Object(
    {
      ...subject.properties,
      token: Type.String({ minLength: 43, maxLength: 43, pattern: '^[A-Za-z0-9_-]+$' }),
    },
    strict,
  ),
  status: 201,
  response: subject,
  async handle(context, { body }) {
    await moduleOf(context).signUp(body.token, body.subject)
    return { subject: body.subject }
  },
  lines: [
    {
      noun: 'referral',
      verb: 'create',
      positional: ['subject', 'token'],
      print: (made) => `${made.subject} referred`,
    },
  ],
})

const reverseReferral = defineCommand({
  name: 'referral.reverse',
  summary: 'Take a qualified referral back, after a downgrade or a chargeback',
  method: 'POST',
  path: '/v1/referrals/reverse',
  access: 'affiliates:write',
  records: ['subject'],
  body: Type.Object(subject.properties, strict),
  status: 200,
  response: subject,
  async handle(context, { body }) {
    await moduleOf(context).reverse(body.subject)
    return body
  },
  lines: [
    {
      noun: 'referral',
      verb: 'reverse',
      positional: ['subject'],
      print: (done) => `${done.subject} reversed`,
    },
  ],
})

export const affiliateCommands: readonly Command[] = [
  createAffiliate,
  listAffiliates,
  closeAffiliate,
  listStatements,
  click,
  createReferral,
  reverseReferral,
]
