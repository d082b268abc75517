/** Commands about mail that waits to be delivered: how much, where to, why, and what to do about it; never what or from whom. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import type { MailChange, QueuedMail, QueuedRecipient } from '@sealpost/ports'
import { organisationOf, reachableAccount, reaches } from '../access/reach.ts'
import { addressSchema, parseAddress } from './account-schema.ts'
import { type Actor, type Command, type CommandContext, defineCommand } from './command.ts'

const time = Type.String({ format: 'date-time' })
const recipientSchema = Type.Object({
  domain: Type.String(),
  attempts: Type.Integer(),
  next_at: time,
  reason: Type.Optional(
    Type.String({
      description:
        'Of the last attempt: reply code, RFC 3463 status, and words where they are not the other server’s',
    }),
  ),
})
const mailSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  account: Type.Optional(
    Type.String({ description: 'Id of the account that sent it; absent: from outside, or of the server' }),
  ),
  accepted_at: time,
  bytes: Type.Integer({ description: 'Of the body' }),
  hold: Type.Optional(Type.String({ description: 'Why it is not tried: operator or suspended' })),
  recipients: Type.Array(recipientSchema, { description: 'Those that are still to be served' }),
})
const listSchema = Type.Object({ items: Type.Array(mailSchema) })
const changedSchema = Type.Object({ id: Type.String() })
const named = Type.Object({ id: Type.String({ format: 'uuid' }) })
const listQuery = Type.Object(
  {
    account: Type.Optional(addressSchema),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  },
  { additionalProperties: false },
)
const LIMIT_DEFAULT = 50

const reject = {
  unknown: () => new HttpProblem(404, 'mail-unknown', 'No such mail waits'),
  whose: () =>
    new HttpProblem(422, 'account-needed', 'Say whose mail: within an organisation it is shown by account'),
  held: () => new HttpProblem(409, 'mail-held', 'The operator of the server holds that mail'),
} as const
const iso = (ms: number): string => new Date(ms).toISOString()

function showRecipient({
  domain,
  attempts,
  nextAt,
  reason,
}: QueuedRecipient): Static<typeof recipientSchema> {
  const why =
    reason === undefined
      ? {}
      : { reason: [String(reason.code), reason.status, reason.words].filter(Boolean).join(' ') }
  return { domain, attempts, next_at: iso(nextAt), ...why }
}

function showMail({
  id,
  accountId,
  acceptedAt,
  bytes,
  hold,
  recipients,
}: QueuedMail): Static<typeof mailSchema> {
  return {
    id,
    ...(accountId === undefined ? {} : { account: accountId }),
    accepted_at: iso(acceptedAt),
    bytes,
    ...(hold === undefined ? {} : { hold }),
    recipients: recipients.map(showRecipient),
  }
}

function printMail({
  id,
  accepted_at: accepted,
  bytes,
  hold,
  recipients,
}: Static<typeof mailSchema>): string {
  const held = hold === undefined ? '' : `  held: ${hold}`
  const each = recipients.map(
    ({ domain, attempts, next_at: next, reason }) =>
      `    ${domain}  ${String(attempts)} attempts  next ${next}  ${reason ?? 'under way'}`,
  )
  return [`${id}  ${accepted}  ${String(bytes)} bytes${held}`, ...each].join('\n')
}

export const listMail = defineCommand({
  name: 'mail.queue',
  summary: 'List the mails that wait to be delivered, oldest first',
  method: 'GET',
  path: '/v1/mail-queue',
  access: 'mail:read',
  reach: 'organisation',
  query: listQuery,
  status: 200,
  response: listSchema,
  async handle(context, { actor, query: { account, limit = LIMIT_DEFAULT } }) {
    if (account === undefined && organisationOf(actor) !== undefined) throw reject.whose()
    const found =
      account === undefined ? undefined : await reachableAccount(context, actor, parseAddress(account))
    return { items: (await context.mail.queued(limit, found?.id)).map(showMail) }
  },
  lines: [
    {
      noun: 'mail',
      verb: 'queue',
      print: ({ items }) => (items.length === 0 ? 'No mail waits' : items.map(printMail).join('\n')),
    },
  ],
})

/** One beyond the actor's organisation is none. */
async function reachableMail(context: CommandContext, actor: Actor, id: string): Promise<QueuedMail> {
  const found = await context.mail.find(id.toLowerCase())
  if (found === undefined) throw reject.unknown()
  const sender = found.accountId === undefined ? undefined : await context.accounts.findById(found.accountId)
  if (!(await reaches(context, actor, sender?.organisationId))) throw reject.unknown()
  return found
}

export const showQueuedMail = defineCommand({
  name: 'mail.show',
  summary: 'Show a mail that waits: where to, how often it was tried, and why it is still here',
  method: 'GET',
  path: '/v1/mail-queue/:id',
  access: 'mail:read',
  reach: 'organisation',
  params: named,
  status: 200,
  response: mailSchema,
  handle: async (context, { actor, params }) => showMail(await reachableMail(context, actor, params.id)),
  lines: [{ noun: 'mail', verb: 'show', print: printMail }],
})

/** Decided for the whole server: what its operator has held is not for an organisation to let go. */
const HOLDS: readonly MailChange[] = ['hold', 'release']

function changing(change: MailChange, summary: string, done: string): Command {
  return defineCommand({
    summary,
    name: `mail.${change}`,
    method: change === 'drop' ? 'DELETE' : 'POST',
    path: change === 'drop' ? '/v1/mail-queue/:id' : `/v1/mail-queue/:id/${change}`,
    access: 'mail:write',
    ...(HOLDS.includes(change) ? {} : { reach: 'organisation' }),
    params: named,
    status: 200,
    response: changedSchema,
    async handle(context, { actor, params }) {
      const { id, hold } = await reachableMail(context, actor, params.id)
      if (hold === 'operator' && organisationOf(actor) !== undefined) throw reject.held()
      if (!(await context.mail.change(id, change))) throw reject.unknown()
      return { id }
    },
    lines: [{ noun: 'mail', verb: change, print: ({ id }) => `${id} ${done}` }],
  })
}

export const retryMail = changing('retry', 'Try a mail now, whatever its schedule says', 'is tried')
export const holdMail = changing('hold', 'Hold a mail: it is not tried until it is released', 'held')
export const releaseMail = changing('release', 'Release a held mail', 'released')
export const dropMail = changing('drop', 'Destroy a mail that waits; nobody is told', 'destroyed')
