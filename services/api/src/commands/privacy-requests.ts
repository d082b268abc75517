/** Commands about what people ask about their own data. */
import { AccountError } from '@sealpost/accounts'
import { Type, type Static } from '@sealpost/http'
import { PRIVACY_KINDS, PRIVACY_STATES, type PrivacyRequest } from '../privacy/store.ts'
import { showPrivacyRequest } from '../show-rights.ts'
import { addressSchema, parseAddress, passwordSchema } from './account-schema.ts'
import { defineCommand, type Command } from './command.ts'
import { ownAccount } from './own-account.ts'
import { LIMIT_DEFAULT, nextSchema, withNext } from './paging.ts'
import { daySchema, idSchema, pageQuery, textSchema, words } from './rights-schema.ts'

const DETAILS_CHARS_MAX = 2_000
/** Of one client: each may be a guess at the password. */
const ASKS_PER_MINUTE = 10

const requestSchema = Type.Object({
  id: idSchema,
  kind: words(PRIVACY_KINDS),
  state: words(PRIVACY_STATES),
  origin: words(['account', 'administrator']),
  received_on: daySchema,
  due_on: Type.String({ format: 'date', description: 'It is answered by this day' }),
  details: Type.Optional(Type.String()),
  closed_on: Type.Optional(daySchema),
  answer: Type.Optional(Type.String()),
})
const forOthersSchema = Type.Object({
  ...requestSchema.properties,
  account: Type.Optional(
    Type.String({ format: 'uuid', description: 'Id of the account; absent once it is erased' }),
  ),
})

const shownSchema = Type.Object({
  ...forOthersSchema.properties,
  address: Type.Optional(Type.String({ description: 'Of the account; absent once it is erased' })),
})

const asked = {
  kind: words(PRIVACY_KINDS),
  details: Type.Optional(textSchema(DETAILS_CHARS_MAX, 'Needed for a correction and an objection')),
}
const named = Type.Object({ request: idSchema })

function showForOthers(request: PrivacyRequest): Static<typeof forOthersSchema> {
  const { accountId } = request
  return { ...showPrivacyRequest(request), ...(accountId === undefined ? {} : { account: accountId }) }
}

function print({
  id,
  kind,
  state,
  due_on: dueOn,
  closed_on: closedOn,
}: Static<typeof requestSchema>): string {
  return `${id}  ${kind}  ${state}  ${closedOn === undefined ? `due ${dueOn}` : `closed ${closedOn}`}`
}

const askForMe = defineCommand({
  name: 'me.privacy-request',
  summary:
    'Ask about your own data; deletion needs your password again, and ends your account for ever at once',
  method: 'POST',
  path: '/v1/me/privacy-requests',
  access: 'account',
  requestsPerMinute: ASKS_PER_MINUTE,
  body: Type.Object({ ...asked, password: Type.Optional(passwordSchema) }, { additionalProperties: false }),
  status: 201,
  response: requestSchema,
  async handle({ rights }, { actor, body: { password, kind, details } }) {
    return showPrivacyRequest(await rights.privacy.ask(ownAccount(actor), { kind, details }, password))
  },
})

const listMine = defineCommand({
  name: 'me.privacy-requests',
  summary: 'List what you have asked about your own data, the newest first',
  method: 'GET',
  path: '/v1/me/privacy-requests',
  access: 'account',
  byProgram: true,
  query: Type.Object(pageQuery, { additionalProperties: false }),
  status: 200,
  response: Type.Object({ items: Type.Array(requestSchema), next: nextSchema }),
  async handle({ rights }, { actor, query: { cursor, limit = LIMIT_DEFAULT } }) {
    const { items, next } = await rights.privacy.list({ accountId: ownAccount(actor).id, cursor, limit })
    return withNext(items.map(showPrivacyRequest), next)
  },
})

const confirmMine = defineCommand({
  name: 'me.confirm-deletion',
  summary: 'Confirm a deletion that was recorded for you: your account ends for ever at once',
  method: 'POST',
  path: '/v1/me/privacy-requests/:request/confirm',
  access: 'account',
  requestsPerMinute: ASKS_PER_MINUTE,
  params: named,
  body: Type.Object({ password: passwordSchema }, { additionalProperties: false }),
  status: 200,
  response: requestSchema,
  async handle({ rights }, { actor, params, body }) {
    return showPrivacyRequest(await rights.privacy.confirm(ownAccount(actor), params.request, body.password))
  },
})

const record = defineCommand({
  name: 'privacy-request.record',
  summary: 'Record what a person asked in another way; they confirm a deletion themselves',
  method: 'POST',
  path: '/v1/privacy-requests',
  access: 'privacy:write',
  body: Type.Object(
    { jid: addressSchema, ...asked, received_on: Type.Optional(daySchema) },
    { additionalProperties: false },
  ),
  records: ['kind', 'received_on', 'due_on'],
  status: 201,
  response: forOthersSchema,
  async handle({ rights, accounts }, { body: { jid, kind, details, received_on: receivedOn } }) {
    const account = await accounts.find(parseAddress(jid))
    if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
    return showForOthers(await rights.privacy.record(account, { kind, details }, receivedOn))
  },
  lines: [{ noun: 'privacy', verb: 'record', positional: ['jid', 'kind'], print }],
})

const list = defineCommand({
  name: 'privacy-request.list',
  summary: 'List what people have asked about their data, the newest first',
  method: 'GET',
  path: '/v1/privacy-requests',
  access: 'privacy:read',
  query: Type.Object(
    {
      ...pageQuery,
      state: Type.Optional(words([...PRIVACY_STATES, 'overdue'])),
      kind: Type.Optional(words(PRIVACY_KINDS)),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({ items: Type.Array(forOthersSchema), next: nextSchema }),
  async handle({ rights }, { query: { cursor, limit = LIMIT_DEFAULT, state, kind } }) {
    const overdue = state === 'overdue'
    const { items, next } = await rights.privacy.list({
      cursor,
      limit,
      kind,
      overdue,
      state: overdue ? undefined : state,
    })
    return withNext(items.map(showForOthers), next)
  },
  lines: [
    { noun: 'privacy', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No requests' },
  ],
})

const show = defineCommand({
  name: 'privacy-request.show',
  summary: 'Show what a person has asked about their data',
  method: 'GET',
  path: '/v1/privacy-requests/:request',
  access: 'privacy:read',
  params: named,
  status: 200,
  response: shownSchema,
  async handle({ rights, accounts }, { params }) {
    const shown = showForOthers(await rights.privacy.find(params.request))
    const account = shown.account === undefined ? undefined : await accounts.findById(shown.account)
    return { ...shown, ...(account === undefined ? {} : { address: account.jid.toString() }) }
  },
  lines: [
    {
      noun: 'privacy',
      verb: 'show',
      print: (request) => [print(request), request.details, request.answer].filter(Boolean).join('\n'),
    },
  ],
})

function closing(state: 'answered' | 'refused', verb: string, summary: string): Command {
  return defineCommand({
    name: `privacy-request.${verb}`,
    summary,
    method: 'POST',
    path: `/v1/privacy-requests/:request/${verb}`,
    access: 'privacy:write',
    params: named,
    body: Type.Object({ answer: textSchema(DETAILS_CHARS_MAX) }, { additionalProperties: false }),
    status: 200,
    response: forOthersSchema,
    async handle({ rights }, { params, body }) {
      return showForOthers(await rights.privacy.close(params.request, state, body.answer))
    },
    lines: [{ noun: 'privacy', verb, positional: ['answer'], print }],
  })
}

export const privacyCommands: readonly Command[] = [
  askForMe,
  listMine,
  confirmMine,
  record,
  list,
  show,
  closing('answered', 'answer', 'Say that a request was answered, and how; the person reads it'),
  closing('refused', 'refuse', 'Refuse a request, and say why; the person reads it'),
]
