/** Commands about invites to make an account. */
import { ACCOUNT_INVITE_USES_MAX, type AccountInvite } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { organisationIdsOf, organisationOf, reachableOrganisation, reaches } from '../access/reach.ts'
import type { LinkedInvite } from '../joining/create-joining.ts'
import { qrSvg, qrText } from '../joining/qr.ts'
import { defineCommand, type Actor, type CommandContext } from './command.ts'
import { INVITE_GONE } from './invites.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const DAY_SECONDS = 86_400
const TTL_SECONDS_DEFAULT = 7 * DAY_SECONDS

export const nameSchema = Type.String({
  minLength: 1,
  maxLength: 1023,
  description: 'What stands before the @',
})

const inviteSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  domain: Type.String({ description: 'Where accounts will be' }),
  name: Type.Optional(Type.String({ description: 'Absent: whoever comes chooses, or is given one' })),
  plan: Type.Optional(Type.String()),
  organisation: Type.Optional(Type.String({ format: 'uuid', description: 'To which accounts will belong' })),
  uses: Type.Integer({ description: 'How many accounts can be made with it' }),
  used: Type.Integer({ description: 'How many have been; one that is used up is gone' }),
  created_on: Type.String({ format: 'date', description: 'A day in UTC' }),
  expires_at: Type.String({ format: 'date-time' }),
})

const linkedSchema = Type.Object({
  ...inviteSchema.properties,
  url: Type.String({ format: 'uri' }),
  token: Type.String({ description: 'For POST /v1/registrations' }),
})

const idParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

function show(invite: AccountInvite): Static<typeof inviteSchema> {
  const { id, domain, localpart, plan, organisationId, uses, used, createdOn, expiresAt } = invite
  return {
    id,
    domain,
    ...(localpart === undefined ? {} : { name: localpart }),
    ...(plan === undefined ? {} : { plan }),
    ...(organisationId === undefined ? {} : { organisation: organisationId }),
    uses,
    used,
    created_on: createdOn,
    expires_at: new Date(expiresAt).toISOString(),
  }
}

function showLinked({ invite, token, url }: LinkedInvite): Static<typeof linkedSchema> {
  return { ...show(invite), url, token }
}

function print(invite: Static<typeof inviteSchema>): string {
  const { id, domain, name, plan, organisation, uses, used, expires_at: until } = invite
  const who = name === undefined ? domain : `${name}@${domain}`
  const gives = [
    ...(plan === undefined ? [] : [`plan ${plan}`]),
    ...(organisation === undefined ? [] : [`organisation ${organisation}`]),
  ]
  return [id, who, `used ${String(used)} of ${String(uses)}`, `until ${until}`, ...gives].join('  ')
}

function printLinked(invite: Static<typeof linkedSchema>): string {
  return `${print(invite)}\n${invite.url}\n${qrText(invite.url)}`
}

const createInvite = defineCommand({
  name: 'invite.create',
  summary: 'Make a link with which people make accounts of their own',
  method: 'POST',
  path: '/v1/invites/account',
  access: 'invites:write',
  reach: 'organisation',
  body: Type.Object(
    {
      domain: Type.Optional(
        Type.String({ minLength: 1, maxLength: 1023, description: 'The first that is served, unless given' }),
      ),
      name: Type.Optional(nameSchema),
      plan: Type.Optional(Type.String({ minLength: 1, maxLength: 32 })),
      organisation: Type.Optional(
        Type.String({
          format: 'uuid',
          description: 'To which accounts will belong; your own if you are bound to one',
        }),
      ),
      uses: Type.Optional(
        Type.Integer({ minimum: 1, maximum: ACCOUNT_INVITE_USES_MAX, description: '1 unless given' }),
      ),
      ttl_seconds: Type.Optional(
        Type.Integer({
          minimum: 60,
          maximum: 90 * DAY_SECONDS,
          description: 'How long it works; seven days unless given',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  records: ['domain', 'plan', 'organisation', 'uses', 'expires_at'],
  status: 201,
  response: linkedSchema,
  async handle(context, { actor, body }) {
    const { uses = 1, ttl_seconds: ttlSeconds = TTL_SECONDS_DEFAULT } = body
    const { domain } = parseJid(body.domain ?? context.domains[0] ?? '')
    if (!context.domains.includes(domain))
      throw new HttpProblem(422, 'domain-not-served', 'This server does not serve that domain')
    const organisationId = body.organisation?.toLowerCase() ?? organisationOf(actor)
    if (organisationId !== undefined) await reachableOrganisation(context, actor, organisationId)
    const wanted = { domain, localpart: body.name, plan: body.plan, organisationId, uses, ttlSeconds }
    return showLinked(await context.joining.invites.create(wanted))
  },
  lines: [{ noun: 'invite', verb: 'create', print: printLinked }],
})

const pageSchema = Type.Object({
  items: Type.Array(inviteSchema),
  next: nextSchema,
})

const listInvites = defineCommand({
  name: 'invite.list',
  summary: 'List the open invites to make an account',
  method: 'GET',
  path: '/v1/invites',
  access: 'invites:read',
  reach: 'organisation',
  query: Type.Object(
    {
      organisation: Type.Optional(
        Type.String({ format: 'uuid', description: 'Those of it, and of all below it' }),
      ),
      cursor: Type.Optional(Type.String({ maxLength: 64, description: '`next` of the page before' })),
      limit: limitSchema,
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageSchema,
  async handle(context, { actor, query: { cursor: after, limit = LIMIT_DEFAULT, organisation } }) {
    const organisationIds = await organisationIdsOf(context, actor, organisation)
    const { items, next } = await context.accounts.accountInvites.list({ after, limit, organisationIds })
    return withNext(items.map(show), next)
  },
  lines: [
    {
      noun: 'invite',
      verb: 'list',
      print: ({ items, next }) =>
        [...items.map(print), ...(next === undefined ? [] : [`More with --cursor ${next}`])].join('\n') ||
        'No invites',
    },
  ],
})

/** One beyond the actor's organisation is none. */
async function findLinked(context: CommandContext, actor: Actor, id: string): Promise<LinkedInvite> {
  const found = await context.joining.invites.find(id.toLowerCase())
  if (found === undefined || !(await reaches(context, actor, found.invite.organisationId)))
    throw INVITE_GONE()
  return found
}

const showInvite = defineCommand({
  name: 'invite.show',
  summary: 'Show an invite with its link',
  method: 'GET',
  path: '/v1/invites/:id',
  access: 'invites:write',
  reach: 'organisation',
  params: idParams,
  status: 200,
  response: linkedSchema,
  handle: async (context, { actor, params }) => showLinked(await findLinked(context, actor, params.id)),
  lines: [{ noun: 'invite', verb: 'show', print: printLinked }],
})

const showQr = defineCommand({
  name: 'invite.qr',
  summary: 'Show the link of an invite as a QR code',
  method: 'GET',
  path: '/v1/invites/:id/qr.svg',
  access: 'invites:write',
  reach: 'organisation',
  params: idParams,
  status: 200,
  media: 'image/svg+xml',
  response: Type.String(),
  handle: async (context, { actor, params }) => qrSvg((await findLinked(context, actor, params.id)).url),
})

const revokeInvite = defineCommand({
  name: 'invite.revoke',
  summary: 'Revoke an invite: its link works no more; accounts made with it stay',
  method: 'DELETE',
  path: '/v1/invites/:id',
  access: 'invites:write',
  reach: 'organisation',
  params: idParams,
  status: 200,
  response: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  async handle(context, { actor, params }) {
    const { accountInvites } = context.accounts
    const invite = await accountInvites.find(params.id.toLowerCase())
    const isReached = invite !== undefined && (await reaches(context, actor, invite.organisationId))
    if (!isReached || !(await accountInvites.revoke(invite.id))) throw INVITE_GONE()
    return { id: invite.id }
  },
  lines: [{ noun: 'invite', verb: 'revoke', print: ({ id }) => `${id} revoked` }],
})

export const joiningInvites = [createInvite, listInvites, showInvite, showQr, revokeInvite] as const
