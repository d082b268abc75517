/** Commands about how accounts use mail: a limit for one of them, and what was noticed and wants a look. */
import { MAIL_LIMIT_MAX, MAIL_REVIEW_REASONS, type Account } from '@sealpost/accounts'
import { Type, type Static } from '@sealpost/http'
import { organisationOf, reachableAccount } from '../access/reach.ts'
import { addressParams, parseAddress } from './account-schema.ts'
import { defineCommand, type CommandContext } from './command.ts'

const limitFields = {
  messages_per_day: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: MAIL_LIMIT_MAX,
      description: 'Messages that the account may send in a day; absent: as many as everybody',
    }),
  ),
}
const limitSchema = Type.Object({ jid: Type.String(), ...limitFields })

function printLimit({ jid, messages_per_day: limit }: Static<typeof limitSchema>): string {
  return `${jid}  ${limit === undefined ? 'as everybody' : `${String(limit)} messages a day`}`
}

async function showLimit({ accounts }: CommandContext, account: Account) {
  const limit = await accounts.mailConduct.limit(account.id)
  return { jid: account.jid.toString(), ...(limit === undefined ? {} : { messages_per_day: limit }) }
}

export const showMailLimit = defineCommand({
  name: 'account.mail-limit',
  summary: 'Show how much mail an account may send, if that was restricted',
  method: 'GET',
  path: '/v1/accounts/:jid/mail-limit',
  access: 'accounts:read',
  reach: 'organisation',
  params: addressParams,
  status: 200,
  response: limitSchema,
  handle: async (context, { actor, params }) =>
    showLimit(context, await reachableAccount(context, actor, parseAddress(params.jid))),
  lines: [{ noun: 'account', verb: 'mail-limit', print: printLimit }],
})

export const setMailLimit = defineCommand({
  name: 'account.limit-mail',
  summary: 'Restrict how much mail an account may send, at once; without a number as much as everybody',
  method: 'PUT',
  path: '/v1/accounts/:jid/mail-limit',
  access: 'accounts:suspend',
  reach: 'organisation',
  async state({ accounts }, { params }) {
    const account = await accounts.find(parseAddress(params.jid))
    return account === undefined ? {} : { messages_per_day: await accounts.mailConduct.limit(account.id) }
  },
  params: addressParams,
  body: Type.Object(limitFields, { additionalProperties: false }),
  status: 200,
  response: limitSchema,
  async handle(context, { actor, params, body }) {
    const account = await reachableAccount(context, actor, parseAddress(params.jid))
    const by = { within: organisationOf(actor) }
    // What the abuse desk has restricted is not for the organisation to widen.
    await context.accounts.mailConduct.setLimit(account.jid, body.messages_per_day, by)
    return showLimit(context, account)
  },
  lines: [{ noun: 'account', verb: 'limit-mail', print: printLimit }],
})

const reviewSchema = Type.Object({
  jid: Type.String(),
  reason: Type.String({ description: MAIL_REVIEW_REASONS.join(', ') }),
  noticed_on: Type.String({ format: 'date' }),
})
const reviewsSchema = Type.Object({ items: Type.Array(reviewSchema) })

export const listMailReviews = defineCommand({
  name: 'account.mail-reviews',
  summary:
    'List accounts whose use of mail wants a look: many large files sent, or more received than a person can use',
  method: 'GET',
  path: '/v1/mail-reviews',
  access: 'accounts:read',
  status: 200,
  response: reviewsSchema,
  async handle({ accounts }) {
    const found = await Promise.all(
      (await accounts.mailConduct.reviews()).map(async ({ accountId, reason, noticedOn }) => {
        const account = await accounts.findById(accountId)
        return account && { jid: account.jid.toString(), reason, noticed_on: noticedOn }
      }),
    )
    return { items: found.filter((each) => each !== undefined) }
  },
  lines: [{ noun: 'account', verb: 'mail-reviews', print: printReviews }],
})

function printReviews({ items }: Static<typeof reviewsSchema>): string {
  const lines = items.map(({ jid, reason, noticed_on: day }) => `${jid}  ${reason}  ${day}`)
  return lines.length === 0 ? 'Nothing to look at' : lines.join('\n')
}

export const clearMailReview = defineCommand({
  name: 'account.mail-reviewed',
  summary: 'Take an account off the list of those whose use of mail wants a look',
  method: 'DELETE',
  path: '/v1/mail-reviews/:jid',
  access: 'accounts:suspend',
  params: addressParams,
  status: 200,
  response: Type.Object({ jid: Type.String() }),
  async handle({ accounts }, { params }) {
    const jid = parseAddress(params.jid)
    await accounts.mailConduct.looked(jid)
    return { jid: jid.toString() }
  },
  lines: [{ noun: 'account', verb: 'mail-reviewed', print: ({ jid }) => `${jid} looked at` }],
})
