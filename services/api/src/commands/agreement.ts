/** Commands about the service-level agreement: what was kept in a month, and claims of credit for what was not. */
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { reachableOrganisation } from '../access/reach.ts'
import { cutPage } from '../cut-page.ts'
import { formatPlace, parsePlace } from '../day.ts'
import { MONTH, monthOf, TARGET_PERMILLE } from '../status/agreement.ts'
import { type Claim, CLAIM_STATES } from '../status/claims.ts'
import { type Command, defineCommand } from './command.ts'
import { componentSchema, idParams } from './status-schema.ts'
import { organisationParams } from './organisation-schema.ts'
import { LIMIT_DEFAULT, nextSchema, withNext } from './paging.ts'
import { nameSubject, subjectName } from './subject-name.ts'
import { pageQuery } from './rights-schema.ts'

const monthSchema = Type.String({ pattern: MONTH.source, description: 'A calendar month in UTC, YYYY-MM' })
const creditSchema = Type.Number({ description: 'Percent of the month’s fee' })

const reportSchema = Type.Object({
  month: monthSchema,
  target: Type.Number({ description: 'Percent' }),
  components: Type.Array(
    Type.Object({
      component: componentSchema,
      availability: Type.Number({ description: 'Percent of 30 × 24 × 60 minutes' }),
      minutes: Type.Integer({ description: 'That are known' }),
      lost: Type.Integer({ description: 'Minutes in which it did not serve' }),
      counted: Type.Integer({
        description: 'Without losses under five minutes, announced maintenance and the urgent windows',
      }),
      credit: creditSchema,
    }),
  ),
})

const report = defineCommand({
  name: 'sla.report',
  summary: 'Show what was kept of the agreement in a month, and what credit is owed for what was not',
  method: 'GET',
  path: '/v1/sla/report',
  access: 'status:read',
  reach: 'organisation',
  query: Type.Object({ month: monthSchema }, { additionalProperties: false }),
  status: 200,
  response: reportSchema,
  async handle({ status }, { query: { month } }) {
    const components = await status.availability.month(monthOf(month))
    return {
      month,
      target: TARGET_PERMILLE / 10,
      components: components.map((each) => ({ ...each, credit: each.credit / 10 })),
    }
  },
  lines: [{ noun: 'sla', verb: 'report', print: printReport }],
})

function printReport({ month, target, components }: Static<typeof reportSchema>): string {
  const lines = components.map(
    ({ component, availability, lost, counted, credit }) =>
      `${component.padEnd(8)}${String(availability)} %  lost ${String(lost)} min, of which ${String(counted)} count  credit ${String(credit)} %`,
  )
  return [`${month}, promised ${String(target)} %`, ...lines].join('\n')
}

const claimSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  subject: Type.Object({
    kind: Type.Enum(['account', 'organisation']),
    id: Type.String({ format: 'uuid' }),
  }),
  month: monthSchema,
  component: componentSchema,
  filed_on: Type.String({ format: 'date' }),
  state: Type.Enum([...CLAIM_STATES]),
  decided_on: Type.Optional(Type.String({ format: 'date' })),
  credit: Type.Optional(creditSchema),
})

function show({ id, subject, month, component, filedOn, state, decidedOn, credit }: Claim) {
  return {
    id,
    subject: { ...subject },
    month,
    component,
    filed_on: filedOn,
    state,
    ...(decidedOn === undefined ? {} : { decided_on: decidedOn }),
    ...(credit === undefined ? {} : { credit: credit / 10 }),
  }
}

function print(claim: Static<typeof claimSchema>): string {
  const credit = claim.credit === undefined ? '' : `  ${String(claim.credit)} %`
  return `${claim.id}  ${claim.month}  ${claim.component}  ${claim.subject.kind} ${claim.subject.id}  ${claim.state}${credit}`
}

const body = Type.Object({ month: monthSchema, component: componentSchema }, { additionalProperties: false })

const fileOwn = defineCommand({
  name: 'me.claim-credit',
  summary: 'Claim credit for a month, within seven days of its end',
  method: 'POST',
  path: '/v1/me/credit-claims',
  access: 'account',
  byProgram: true,
  body,
  status: 201,
  response: claimSchema,
  async handle({ status }, { actor, body: asked }) {
    assert(actor.kind === 'account')
    const subject = { kind: 'account', id: actor.account.id } as const
    return show(await status.claims.file({ subject, ...asked }))
  },
})

/** One a month and component. */
const CLAIMS_SHOWN_MAX = 200
const allOf = (subjectId: string) => ({
  state: undefined,
  subjectId,
  after: undefined,
  limit: CLAIMS_SHOWN_MAX,
})

const listOwn = defineCommand({
  name: 'me.credit-claims',
  summary: 'List your claims of credit',
  method: 'GET',
  path: '/v1/me/credit-claims',
  access: 'account',
  byProgram: true,
  status: 200,
  response: Type.Object({ items: Type.Array(claimSchema) }),
  async handle({ status }, { actor }) {
    assert(actor.kind === 'account')
    return { items: (await status.claims.list(allOf(actor.account.id))).map(show) }
  },
})

const fileForOrganisation = defineCommand({
  name: 'credit.claim',
  summary: 'Claim credit of an organisation for a month, within seven days of its end',
  method: 'POST',
  path: '/v1/organisations/:id/credit-claims',
  access: 'credits:write',
  reach: 'organisation',
  records: ['month', 'component'],
  params: organisationParams,
  body,
  status: 201,
  response: claimSchema,
  async handle(context, { actor, params, body: asked }) {
    const { id } = await reachableOrganisation(context, actor, params.id)
    return show(await context.status.claims.file({ subject: { kind: 'organisation', id }, ...asked }))
  },
  lines: [{ noun: 'credit', verb: 'claim', print }],
})

const listOfOrganisation = defineCommand({
  name: 'organisation.credit-claims',
  summary: 'List the claims of credit of an organisation',
  method: 'GET',
  path: '/v1/organisations/:id/credit-claims',
  access: 'status:read',
  reach: 'organisation',
  params: organisationParams,
  status: 200,
  response: Type.Object({ items: Type.Array(claimSchema) }),
  async handle(context, { actor, params }) {
    const { id } = await reachableOrganisation(context, actor, params.id)
    return { items: (await context.status.claims.list(allOf(id))).map(show) }
  },
})

const page = Type.Object({
  items: Type.Array(Type.Object({ ...claimSchema.properties, ...subjectName })),
  next: nextSchema,
})

const list = defineCommand({
  name: 'credit.list',
  summary: 'List claims of credit by the day they were filed',
  method: 'GET',
  path: '/v1/credit-claims',
  access: 'status:read',
  query: Type.Object(
    {
      state: Type.Optional(Type.Enum([...CLAIM_STATES])),
      ...pageQuery,
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: page,
  async handle(context, { query }) {
    const { limit = LIMIT_DEFAULT, state } = query
    const place = parsePlace(query.cursor)
    const after = place && { filedOn: place.at, id: place.id }
    const found = await context.status.claims.list({ state, subjectId: undefined, after, limit: limit + 1 })
    const { items, next } = cutPage(found, limit, ({ filedOn, id }) => formatPlace({ at: filedOn, id }))
    const shown = items.map(async (each) => ({
      ...show(each),
      ...(await nameSubject(context, each.subject)),
    }))
    return withNext(await Promise.all(shown), next)
  },
  lines: [{ noun: 'credit', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No claims' }],
})

const decide = defineCommand({
  name: 'credit.decide',
  summary: 'Grant a claim what the agreement says, once its month is over, or refuse it',
  method: 'POST',
  path: '/v1/credit-claims/:id/decision',
  access: 'billing:write',
  records: ['decision', 'credit'],
  params: idParams,
  body: Type.Object({ decision: Type.Enum(['grant', 'refuse']) }, { additionalProperties: false }),
  status: 200,
  response: claimSchema,
  handle: async ({ status }, { params, body: { decision } }) =>
    show(await status.claims.decide(params.id.toLowerCase(), decision === 'grant')),
  lines: [
    { noun: 'credit', verb: 'grant', preset: { decision: 'grant' }, print },
    { noun: 'credit', verb: 'refuse', preset: { decision: 'refuse' }, print },
  ],
})

export const agreementCommands: readonly Command[] = [
  report,
  fileOwn,
  listOwn,
  fileForOrganisation,
  listOfOrganisation,
  list,
  decide,
]
