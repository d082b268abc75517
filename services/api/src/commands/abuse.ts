/** Commands of the abuse desk. */
import { assert } from '@sealpost/errors'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { Report } from '../abuse/abuse-desk.ts'
import { ABUSE_SOURCES, type StoredReport } from '../abuse/store.ts'
import { cutPage } from '../cut-page.ts'
import { hasScope } from './api-keys.ts'
import { addressSchema } from './account-schema.ts'
import { defineCommand, type Command } from './command.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

/** Of strangers; there are few who have more to report. */
const REPORTS_PER_MINUTE = 6

const uuid = Type.String({ format: 'uuid' })
const named = Type.Object({ id: uuid })
const day = Type.String({ format: 'date' })
const line = (maxLength: number, description: string) =>
  Type.String({ maxLength, pattern: String.raw`^[^\u0000-\u001f\u007f]*$`, description })
const prose = (maxLength: number, description: string) =>
  Type.String({
    maxLength,
    pattern: String.raw`^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$`,
    description,
  })

const categorySchema = Type.Union([
  Type.Literal('spam'),
  Type.Literal('fraud'),
  Type.Literal('malware'),
  Type.Literal('harassment'),
  Type.Literal('illegal'),
  Type.Literal('other'),
])
const stateSchema = Type.Union([Type.Literal('new'), Type.Literal('in-work'), Type.Literal('closed')])
const outcomeSchema = Type.Union([
  Type.Literal('acted'),
  Type.Literal('unfounded'),
  Type.Literal('duplicate'),
  Type.Literal('no-action'),
])
const sourceSchema = Type.Enum([...ABUSE_SOURCES], {
  description: 'account: signed in, over the API; chat: with a chat client (XEP-0377, ad-hoc commands)',
})

/** What a report says, and how long it may be. */
const saidFields = {
  about: Type.String({ ...line(320, 'Address that it is about'), minLength: 1 }),
  text: Type.String({ ...prose(8_000, 'What happened'), minLength: 1 }),
  headers: Type.Optional(prose(16_000, 'Header of the message, as evidence')),
}
const reporterFields = {
  first_name: Type.Optional(line(100, 'Of the reporter')),
  last_name: Type.Optional(line(100, 'Of the reporter')),
  contact: Type.Optional(line(320, 'A working address or telephone number')),
}
export const reportSchema = Type.Object(
  { category: categorySchema, ...saidFields, ...reporterFields },
  { additionalProperties: false },
)

const summaryFields = {
  id: uuid,
  source: sourceSchema,
  category: categorySchema,
  named: Type.Boolean({ description: 'First and last name and a contact were given, as the policy asks' }),
  account_id: Type.Optional(Type.String({ description: 'The account that it is about' })),
  state: stateSchema,
  outcome: Type.Optional(outcomeSchema),
  actions: Type.Array(Type.String(), { description: 'What was done from it' }),
  received_on: day,
  closed_on: Type.Optional(day),
}
const summarySchema = Type.Object(summaryFields)
const shownSchema = Type.Object({
  ...summaryFields,
  account: Type.Optional(Type.String({ description: 'Its address' })),
  reporter: Type.Optional(Type.Object(reporterFields)),
  about: Type.Optional(Type.String()),
  text: Type.Optional(Type.String({ description: 'Of a report by mail: see GET /v1/mail-desk/{id}' })),
  headers: Type.Optional(Type.String()),
})

function summary(report: StoredReport): Static<typeof summarySchema> {
  const { id, source, category, state, outcome, actions, accountId, receivedOn, closedOn } = report
  return {
    id,
    source,
    category,
    named: report.named,
    ...(accountId === undefined ? {} : { account_id: accountId }),
    state,
    ...(outcome === undefined ? {} : { outcome }),
    actions: [...actions],
    received_on: receivedOn,
    ...(closedOn === undefined ? {} : { closed_on: closedOn }),
  }
}

function print({
  id,
  received_on: received,
  category,
  source,
  state,
  named: isNamed,
}: Static<typeof summarySchema>) {
  return `${id}  ${received}  ${category}  ${source}  ${state}${isNamed ? '' : '  anonymous'}`
}

const reportAbuse = defineCommand({
  name: 'abuse.report',
  summary:
    'Report abuse; without first and last name and a contact it is kept apart, and may not be acted upon',
  method: 'POST',
  path: '/v1/abuse-reports',
  access: 'anyone',
  requestsPerMinute: REPORTS_PER_MINUTE,
  body: reportSchema,
  status: 201,
  response: named,
  async handle({ abuse }, { body }) {
    const { first_name, last_name, contact, ...said } = body
    const reporter = { first_name: first_name ?? '', last_name: last_name ?? '', contact: contact ?? '' }
    return { id: await abuse.report({ ...said, reporter }) }
  },
})

const reportAsAccount = defineCommand({
  name: 'me.report-abuse',
  summary: 'Report abuse by your own account',
  method: 'POST',
  path: '/v1/me/abuse-reports',
  access: 'account',
  byProgram: true,
  requestsPerMinute: REPORTS_PER_MINUTE,
  body: reportSchema,
  status: 201,
  response: named,
  async handle({ abuse }, { actor, body, browser }) {
    assert(actor.kind === 'account')
    const { first_name, last_name, contact = actor.account.jid.toString(), ...said } = body
    const reporter = { first_name: first_name ?? '', last_name: last_name ?? '', contact }
    const source = browser === undefined ? 'chat' : 'account'
    return { id: await abuse.report({ ...said, reporter }, { id: actor.account.id, source }) }
  },
})

const listReports = defineCommand({
  name: 'abuse.list',
  summary: 'List reports of abuse by form, by account and by mail to abuse@',
  method: 'GET',
  path: '/v1/abuse-reports',
  access: 'abuse:read',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      limit: limitSchema,
      state: Type.Optional(stateSchema),
      named: Type.Optional(Type.Boolean({ description: 'false: the anonymous ones' })),
      source: Type.Optional(sourceSchema),
      account: Type.Optional(uuid),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({
    items: Type.Array(summarySchema),
    next: nextSchema,
  }),
  async handle({ abuse }, { query: { cursor, limit = LIMIT_DEFAULT, account, ...rest } }) {
    const query = { ...rest, accountId: account?.toLowerCase(), after: cursor?.toLowerCase() }
    const found = await abuse.list({ ...query, limit: limit + 1 })
    const { items, next } = cutPage(found, limit, ({ id }) => id)
    return withNext(items.map(summary), next)
  },
  lines: [
    {
      noun: 'abuse',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No reports' : items.map(print).join('\n')),
    },
  ],
})

const showReport = defineCommand({
  name: 'abuse.show',
  summary: 'Show a report: who reported what; of one by mail, the mail is at the desk under the same id',
  method: 'GET',
  path: '/v1/abuse-reports/:id',
  access: 'abuse:read',
  params: named,
  status: 200,
  response: shownSchema,
  async handle({ abuse, accounts }, { params }) {
    const report = await abuse.show(params.id.toLowerCase())
    const account = report.accountId === undefined ? undefined : await accounts.findById(report.accountId)
    return shown(report, account?.jid.toString())
  },
  lines: [{ noun: 'abuse', verb: 'show', print: (report) => [print(report), plain(report.text)].join('\n') }],
})

function shown({ from, said, ...report }: Report, account: string | undefined): Static<typeof shownSchema> {
  return {
    ...summary(report),
    ...(account === undefined ? {} : { account }),
    ...(from === undefined ? {} : { reporter: from }),
    ...said,
  }
}

/** What strangers write must not steer the terminal. */
function plain(text = ''): string {
  return text.replaceAll('\r\n', '\n').replaceAll(/[^\P{C}\n\t]/gu, '\uFFFD')
}

const setReportState = defineCommand({
  name: 'abuse.take',
  summary: 'Take a report into work, or put it back',
  method: 'PATCH',
  path: '/v1/abuse-reports/:id',
  access: 'abuse:write',
  records: ['state'],
  params: named,
  body: Type.Object(
    { state: Type.Union([Type.Literal('new'), Type.Literal('in-work')]) },
    { additionalProperties: false },
  ),
  status: 200,
  response: summarySchema,
  handle: async ({ abuse }, { params, body }) =>
    summary(await abuse.setState(params.id.toLowerCase(), body.state)),
  lines: [{ noun: 'abuse', verb: 'take', preset: { state: 'in-work' }, print }],
})

const closeReport = defineCommand({
  name: 'abuse.close',
  summary: 'Close a report with what became of it; a mail that it came by is destroyed',
  method: 'POST',
  path: '/v1/abuse-reports/:id/close',
  access: 'abuse:write',
  records: ['outcome'],
  params: named,
  body: Type.Object({ outcome: outcomeSchema }, { additionalProperties: false }),
  status: 200,
  response: summarySchema,
  handle: async ({ abuse }, { params, body }) =>
    summary(await abuse.close(params.id.toLowerCase(), body.outcome)),
  lines: [{ noun: 'abuse', verb: 'close', positional: ['outcome'], print }],
})

const actBody = Type.Object(
  {
    action: Type.Union(
      [Type.Literal('warn'), Type.Literal('restrict'), Type.Literal('suspend'), Type.Literal('block')],
      { description: 'warn: by mail; restrict: its mail; suspend: for abuse; block: a sender, for 30 days' },
    ),
    jid: Type.Optional(addressSchema),
    message: Type.Optional(line(500, 'Of a warning, more words')),
    messages_per_day: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 10_000, description: 'Of a restriction, 10 unless given' }),
    ),
    sender: Type.Optional(line(320, 'Of a block: an address or domain of others')),
  },
  { additionalProperties: false },
)

const RESTRICTED_TO = 10

const actOnReport = defineCommand({
  name: 'abuse.act',
  summary: 'Act from a report: warn, restrict or suspend the account that it is about, or block a sender',
  method: 'POST',
  path: '/v1/abuse-reports/:id/actions',
  access: 'abuse:write',
  records: ['action', 'messages_per_day'],
  params: named,
  body: actBody,
  status: 200,
  response: summarySchema,
  async handle({ abuse }, { actor, params, body }) {
    const id = params.id.toLowerCase()
    const { action, jid, message, messages_per_day: messages = RESTRICTED_TO, sender = '' } = body
    if ((action === 'suspend' || action === 'restrict') && !hasScope(actor, 'accounts:suspend')) {
      const scopes = ['accounts:suspend']
      throw new HttpProblem(403, 'scope-missing', 'This needs another scope', { scopes })
    }
    if (action === 'warn') return summary(await abuse.warn(id, jid, message))
    if (action === 'restrict') return summary(await abuse.restrict(id, jid, messages))
    return summary(action === 'suspend' ? await abuse.suspend(id, jid) : await abuse.block(id, sender))
  },
  lines: [{ noun: 'abuse', verb: 'act', positional: ['action'], print }],
})

const countReports = defineCommand({
  name: 'abuse.statistics',
  summary: 'Count the reports that are kept, by where they came from, category, state and outcome',
  method: 'GET',
  path: '/v1/abuse-statistics',
  access: 'abuse:read',
  status: 200,
  response: Type.Object({
    items: Type.Array(
      Type.Object({
        source: sourceSchema,
        category: categorySchema,
        named: Type.Boolean(),
        state: stateSchema,
        outcome: Type.Optional(outcomeSchema),
        count: Type.Integer(),
      }),
    ),
  }),
  async handle({ abuse }) {
    const counts = await abuse.counts()
    return {
      items: counts.map(({ outcome, ...rest }) => (outcome === undefined ? rest : { ...rest, outcome })),
    }
  },
  lines: [
    {
      noun: 'abuse',
      verb: 'statistics',
      print: ({ items }) =>
        items
          .map(({ source, category, state, count }) => `${String(count)}  ${source}  ${category}  ${state}`)
          .join('\n') || 'No reports',
    },
  ],
})

export const abuseCommands: readonly Command[] = [
  reportAbuse,
  reportAsAccount,
  listReports,
  showReport,
  setReportState,
  closeReport,
  actOnReport,
  countReports,
]
