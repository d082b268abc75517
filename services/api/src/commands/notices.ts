/** Commands about what the operator tells people. */
import { AccountError } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { noticeChat, noticeText } from '../notices/letter.ts'
import type { NewNotice } from '../notices/notices.ts'
import { NOTICE_KINDS, type Audience, type Notice } from '../notices/store.ts'
import { RightsError } from '../rights-error.ts'
import { showNotice, showTime } from '../show-rights.ts'
import { addressSchema, parseAddress } from './account-schema.ts'
import { defineCommand, type Command, type CommandContext } from './command.ts'
import { LIMIT_DEFAULT, nextSchema, withNext } from './paging.ts'
import { idSchema, lineSchema, pageQuery, textSchema, timeSchema, words } from './rights-schema.ts'

const noticeSchema = Type.Object({
  id: idSchema,
  kind: words(NOTICE_KINDS),
  title: Type.String(),
  body: Type.String({ description: 'Plain; an empty line ends a paragraph' }),
  created_at: timeSchema,
  shown_until: timeSchema,
  starts_at: Type.Optional(timeSchema),
  ends_at: Type.Optional(timeSchema),
})

const sending = words(['pending', 'done', 'off'])
const forOperators = Type.Object({
  ...noticeSchema.properties,
  audience: words(['all', 'organisation', 'online', 'account']),
  withdrawn_at: Type.Optional(timeSchema),
  mail: sending,
  mailed: Type.Integer({ description: 'Mails that are on their way' }),
  refused: Type.Integer({ description: 'Mails that the mail relay did not take' }),
  uncertain: Type.Integer({
    description: 'Mails that were under way when the process was killed; not sent again',
  }),
  chat: sending,
})

const bodySchema = Type.Object(
  {
    kind: Type.Literal('announcement', { description: 'Maintenance is planned at /v1/maintenance' }),
    audience: Type.Optional(
      Type.Unsafe<Audience['to']>({
        ...words(['all', 'online', 'organisation', 'account']),
        description: '`all` unless given; `online`: those connected to chat now; `account`: the one of `jid`',
      }),
    ),
    jid: Type.Optional(addressSchema),
    organisation: Type.Optional(
      Type.String({ format: 'uuid', description: 'Whose accounts are told, and those of all below it' }),
    ),
    title: lineSchema(200),
    body: textSchema(10_000, 'Plain; an empty line ends a paragraph'),
    shown_until: Type.Optional(timeSchema),
    by: Type.Optional(
      Type.Array(words(['mail', 'chat']), {
        maxItems: 2,
        description: 'Both unless given; it is shown in the panel and on the account page in any case',
      }),
    ),
  },
  { additionalProperties: false },
)
const named = Type.Object({ notice: idSchema })

async function toAudience(
  { accounts }: CommandContext,
  { audience: to = 'all', jid, organisation }: Static<typeof bodySchema>,
): Promise<Audience> {
  const malformed =
    (to === 'account') !== (jid !== undefined) || (to === 'organisation') !== (organisation !== undefined)
  if (malformed) throw new RightsError('NOTICE_MALFORMED')
  if (to === 'organisation') return { to, id: (await accounts.organisations.get(organisation ?? '')).id }
  if (to !== 'account') return { to }
  const account = await accounts.find(parseAddress(jid ?? ''))
  if (account === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
  return { to, id: account.id }
}

async function toNew(context: CommandContext, body: Static<typeof bodySchema>): Promise<NewNotice> {
  const { kind, title, by = ['mail', 'chat'] } = body
  return {
    kind,
    audience: await toAudience(context, body),
    title,
    body: body.body,
    shownUntil: body.shown_until === undefined ? undefined : Date.parse(body.shown_until),
    mail: by.includes('mail'),
    chat: by.includes('chat'),
  }
}

function show(notice: Notice): Static<typeof forOperators> {
  const { audience, withdrawnAt, mail, mailed, refused, uncertain, chat } = notice
  return {
    ...showNotice(notice),
    audience: audience.to,
    ...(withdrawnAt === undefined ? {} : { withdrawn_at: showTime(withdrawnAt) }),
    mail,
    mailed,
    refused,
    uncertain,
    chat,
  }
}

function print(notice: Static<typeof forOperators>): string {
  const { id, kind, audience, title, mail, mailed, chat, withdrawn_at: withdrawn } = notice
  const state = withdrawn === undefined ? `mail ${mail} (${String(mailed)})  chat ${chat}` : 'withdrawn'
  return `${id}  ${kind}  to ${audience}  ${state}  ${title}`
}

const publish = defineCommand({
  name: 'notice.publish',
  summary: 'Tell people something, in the panel, by mail and in chat',
  method: 'POST',
  path: '/v1/notices',
  access: 'policies:write',
  body: bodySchema,
  records: ['kind', 'audience', 'title'],
  status: 201,
  response: forOperators,
  async handle(context, { body }) {
    return show(await context.rights.notices.publish(await toNew(context, body)))
  },
  lines: [{ noun: 'notice', verb: 'publish', print }],
})

const preview = defineCommand({
  name: 'notice.preview',
  summary: 'Show a notice as it would be published, without doing so',
  method: 'POST',
  path: '/v1/notices/preview',
  access: 'policies:write',
  body: bodySchema,
  status: 200,
  response: Type.Object({
    notice: noticeSchema,
    mail: Type.Object({ subject: Type.String(), text: Type.String() }),
    chat: Type.Object({ subject: Type.String(), body: Type.String() }),
  }),
  async handle(context, { body }) {
    const notice = context.rights.notices.preview(await toNew(context, body))
    const { title: subject } = notice
    return {
      notice: showNotice(notice),
      mail: { subject, text: noticeText(notice, context.links.account()) },
      chat: { subject, body: noticeChat(notice) },
    }
  },
  lines: [{ noun: 'notice', verb: 'preview', print: ({ mail }) => `${mail.subject}\n\n${mail.text}` }],
})

const list = defineCommand({
  name: 'notice.list',
  summary: 'List what people were told, the newest first; without what concerns one account',
  method: 'GET',
  path: '/v1/notices',
  access: 'policies:read',
  query: Type.Object(pageQuery, { additionalProperties: false }),
  status: 200,
  response: Type.Object({ items: Type.Array(forOperators), next: nextSchema }),
  async handle({ rights }, { query: { cursor, limit = LIMIT_DEFAULT } }) {
    const { items, next } = await rights.notices.list({ cursor, limit })
    return withNext(items.map(show), next)
  },
  lines: [
    { noun: 'notice', verb: 'list', print: ({ items }) => items.map(print).join('\n') || 'No notices' },
  ],
})

const showOne = defineCommand({
  name: 'notice.show',
  summary: 'Show a notice, and how far its mails are',
  method: 'GET',
  path: '/v1/notices/:notice',
  access: 'policies:read',
  params: named,
  status: 200,
  response: forOperators,
  handle: async ({ rights }, { params }) => show(await rights.notices.find(params.notice)),
  lines: [{ noun: 'notice', verb: 'show', print: (notice) => `${print(notice)}\n\n${notice.body}` }],
})

const withdraw = defineCommand({
  name: 'notice.withdraw',
  summary: 'Show a notice no more, and send no further mails of it; what it announces stays as it is',
  method: 'POST',
  path: '/v1/notices/:notice/withdraw',
  access: 'policies:write',
  params: named,
  status: 200,
  response: forOperators,
  handle: async ({ rights }, { params }) => show(await rights.notices.withdraw(params.notice)),
  lines: [{ noun: 'notice', verb: 'withdraw', print }],
})

const listMine = defineCommand({
  name: 'me.notices',
  summary: 'List what the operator tells you, the newest first',
  method: 'GET',
  path: '/v1/me/notices',
  access: 'account',
  byProgram: true,
  status: 200,
  response: Type.Object({ items: Type.Array(noticeSchema) }),
  async handle({ rights }, { actor }) {
    assert(actor.kind === 'account')
    return { items: (await rights.notices.shownTo(actor.account.id)).map(showNotice) }
  },
})

export const noticeCommands: readonly Command[] = [publish, preview, list, showOne, withdraw, listMine]
