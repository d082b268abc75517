/** Commands about who administers. Nobody gives rights that they do not have, or beyond their organisation. */
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { administered } from '../access/administered.ts'
import { organisationOf, reachableOrganisation, reaches } from '../access/reach.ts'
import { isOfOrganisation, scopesOfRole, type Role } from '../access/roles.ts'
import type { AdministratorRow } from '../access/store.ts'
import { cutPage } from '../cut-page.ts'
import { linkSchema, showLink } from './account-schema.ts'
import {
  administratorSchema,
  codeSchema,
  idParams,
  listedSchema,
  nameSchema,
  passkeyNameSchema,
  recoveryCodesSchema,
  roleSchema,
  sessionSchema,
  setupSchema,
  showAdministrator,
  showListed,
  ticketSchema,
  tokenSchema,
} from './administrator-schema.ts'
import { hasScope, makerOf } from './api-keys.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { whenSeveral } from './four-eyes.ts'
import { creationSchema, madeSchema } from './passkey-schema.ts'
import { checkMayStart, startSession } from './session.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const TRIES_PER_MINUTE = 30

const reject = {
  rights: () => new HttpProblem(403, 'rights-missing', 'Nobody gives or takes rights that they do not have'),
  roleOfOrganisation: () =>
    new HttpProblem(
      422,
      'role-mismatch',
      'org_admin and reseller are of an organisation, all other roles of none',
    ),
  unknown: () => new HttpProblem(404, 'administrator-unknown', 'There is no such administrator'),
  hostOnly: () => new HttpProblem(403, 'host-only', 'That is done on the host of the server, with ctl'),
  proofMissing: () =>
    new HttpProblem(422, 'proof-missing', 'A passkey or a first one-time password is needed'),
} as const

/** What they may do is no more than what the actor may. */
function checkRights(actor: Actor, role: Role): void {
  if (!scopesOfRole(role).every((scope) => hasScope(actor, scope))) throw reject.rights()
}

/** The organisation in which the role is to be given. */
async function placeOf(
  context: CommandContext,
  actor: Actor,
  role: Role,
  organisation: string | undefined,
): Promise<string | undefined> {
  const place = organisation ?? (isOfOrganisation(role) ? organisationOf(actor) : undefined)
  if ((place !== undefined) !== isOfOrganisation(role)) throw reject.roleOfOrganisation()
  checkRights(actor, role)
  if (place === undefined && organisationOf(actor) !== undefined) throw reject.rights()
  return place === undefined ? undefined : (await reachableOrganisation(context, actor, place)).id
}

/** One whom the actor may give another role, or remove. */
async function findBelow(context: CommandContext, actor: Actor, id: string): Promise<AdministratorRow> {
  const known = await context.access.administrators.find(id)
  if (known === undefined || !(await reaches(context, actor, known.organisationId))) throw reject.unknown()
  checkRights(actor, known.role)
  return known
}

/** For the audit log. */
async function administratorState({ access }: CommandContext, { params }: { params: { id?: unknown } }) {
  const known = typeof params.id === 'string' ? await access.administrators.find(params.id) : undefined
  return { role: known?.role, organisation: known?.organisationId }
}

const printLink = (link: Static<typeof linkSchema>) =>
  `The administrator begins at ${link.url} (once, until ${link.expires_at})`

const inviteAdministrator = defineCommand({
  name: 'admin.invite',
  summary: 'Invite an administrator with a one-time link; an owner unless told otherwise',
  method: 'POST',
  path: '/v1/administrators/invites',
  access: 'admins:write',
  reach: 'organisation',
  fourEyes: whenSeveral,
  records: ['role', 'organisation'],
  body: Type.Object(
    { role: Type.Optional(roleSchema), organisation: Type.Optional(Type.String({ format: 'uuid' })) },
    { additionalProperties: false },
  ),
  status: 201,
  response: linkSchema,
  async handle(context, { actor, body }) {
    const { access, links } = context
    const role = body.role ?? (organisationOf(actor) === undefined ? 'owner' : 'org_admin')
    const place = await placeOf(context, actor, role, body.organisation)
    const { token, invite } = await access.administrators.invite(role, place, makerOf(actor))
    return showLink(links.adminInvite(token), token, invite.expiresAt)
  },
  lines: [{ noun: 'admin', verb: 'create', print: printLink }],
})

const recoverAdministrator = defineCommand({
  name: 'admin.recover',
  summary:
    'On the host: invite a new owner, or with an id somebody who has lost their passkeys; all administrators see that in the audit log',
  method: 'POST',
  path: '/v1/administrators/recovery',
  access: 'admins:write',
  records: ['id'],
  body: Type.Object({ id: Type.Optional(Type.String({ format: 'uuid' })) }, { additionalProperties: false }),
  status: 201,
  response: linkSchema,
  async handle({ access, links }, { actor, body: { id } }) {
    if (actor.kind !== 'owner') throw reject.hostOnly()
    const { administrators } = access
    const { token, invite } =
      id === undefined ? await administrators.invite('owner', undefined) : await administrators.inviteAnew(id)
    return showLink(links.adminInvite(token), token, invite.expiresAt)
  },
  lines: [{ noun: 'admin', verb: 'recover', print: printLink }],
})

const begin = { method: 'POST', access: 'anyone', status: 200, requestsPerMinute: TRIES_PER_MINUTE } as const

const enrolBody = Type.Object({ token: tokenSchema, name: nameSchema }, { additionalProperties: false })

const beginWithPasskey = defineCommand({
  ...begin,
  name: 'admin.enrol.options',
  summary: 'Use an administrator’s link, first step: what the browser makes a passkey of',
  path: '/v1/administrators/enrol/options',
  body: enrolBody,
  response: creationSchema,
  handle: ({ access }, { body }) => access.administrators.beginPasskey(body.token, body.name),
})

const beginWithTotp = defineCommand({
  ...begin,
  name: 'admin.enrol.totp',
  summary: 'The same for whoever can have no passkey: a secret for an authenticator app',
  path: '/v1/administrators/enrol/totp',
  body: enrolBody,
  response: setupSchema,
  handle: ({ access }, { body }) => access.administrators.beginTotp(body.token, body.name),
})

const enrol = defineCommand({
  ...begin,
  name: 'admin.enrol',
  summary:
    'Use an administrator’s link, second step: with the passkey, or with the ticket and first code of an authenticator app; signs in',
  path: '/v1/administrators/enrol',
  body: Type.Object(
    {
      token: tokenSchema,
      name: nameSchema,
      credential: Type.Optional(madeSchema),
      passkey_name: Type.Optional(passkeyNameSchema),
      totp: Type.Optional(
        Type.Object({ ticket: ticketSchema, code: codeSchema }, { additionalProperties: false }),
      ),
    },
    { additionalProperties: false },
  ),
  response: Type.Object({ ...sessionSchema.properties, recovery_codes: recoveryCodesSchema }),
  async handle(context, { body, ...request }) {
    const browser = checkMayStart(request.browser)
    const { token, name, credential, passkey_name: passkeyName = 'Passkey', totp } = body
    const proof = credential === undefined ? totp : { credential, passkeyName }
    if (proof === undefined) throw reject.proofMissing()
    const { administrator, recoveryCodes } = await context.access.administrators.enrol(token, name, proof)
    const { id, organisationId, role } = administrator
    const actor = { kind: 'administrator', id, organisationId } as const
    await context.audit.note({
      actor,
      action: 'admin.enrol',
      target: { kind: 'admin', id },
      details: { role },
    })
    const session = await context.access.sessions.start(id, 'enrolment')
    const shown = await startSession(context, browser, { administrator, method: 'enrolment', token: session })
    return { ...shown, recovery_codes: [...recoveryCodes] }
  },
})

const listAdministrators = defineCommand({
  name: 'admin.list',
  summary: 'List administrators',
  method: 'GET',
  path: '/v1/administrators',
  access: 'admins:read',
  reach: 'organisation',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      limit: limitSchema,
      organisation: Type.Optional(Type.String({ format: 'uuid' })),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: Type.Object({
    items: Type.Array(listedSchema),
    next: nextSchema,
  }),
  async handle(context, { actor, query }) {
    const { limit = LIMIT_DEFAULT, cursor: after, organisation } = query
    const reached = await administered(context, actor)
    const asked = organisation === undefined ? reached : new Set([organisation])
    const organisationIds = asked && [...asked].filter((id) => reached?.has(id) !== false)
    const rows = await context.access.administrators.list({ after, limit: limit + 1, organisationIds })
    const { items, next } = cutPage(rows, limit, ({ id }) => id)
    return withNext(items.map(showListed), next)
  },
  lines: [
    {
      noun: 'admin',
      verb: 'list',
      print: ({ items }) => items.map(printAdministrator).join('\n') || 'No administrators',
    },
  ],
})

function printAdministrator({
  id,
  name,
  role,
  organisation,
  passkeys,
  totp,
  ...days
}: Static<typeof listedSchema>): string {
  const of = organisation === undefined ? '' : ` of ${organisation}`
  const used = days.last_used_on === undefined ? 'never used' : `last used ${days.last_used_on}`
  return `${id}  ${name}  ${role}${of}  ${String(passkeys)} passkeys${totp ? ', TOTP' : ''}  since ${days.created_on}  ${used}`
}

const changeAdministrator = defineCommand({
  name: 'admin.change',
  summary: 'Give an administrator another role; their sessions end, and keys that they made',
  method: 'PATCH',
  path: '/v1/administrators/:id',
  access: 'admins:write',
  reach: 'organisation',
  destructive: true,
  fourEyes: whenSeveral,
  params: idParams,
  body: Type.Object(
    { role: roleSchema, organisation: Type.Optional(Type.String({ format: 'uuid' })) },
    { additionalProperties: false },
  ),
  records: ['role', 'organisation'],
  state: administratorState,
  status: 200,
  response: administratorSchema,
  async handle(context, { actor, params, body }) {
    const known = await findBelow(context, actor, params.id)
    const organisation = body.organisation ?? (isOfOrganisation(body.role) ? known.organisationId : undefined)
    const place = await placeOf(context, actor, body.role, organisation)
    await context.access.administrators.setRole(params.id, body.role, place)
    await context.accounts.apiKeys.revokeMadeBy(params.id)
    return showAdministrator({ ...known, role: body.role, organisationId: place })
  },
  lines: [{ noun: 'admin', verb: 'change', print: ({ name, role }) => `${name} is ${role}` }],
})

const removeAdministrator = defineCommand({
  name: 'admin.remove',
  summary: 'Remove an administrator; their sessions end at once, and keys that they made',
  method: 'DELETE',
  path: '/v1/administrators/:id',
  access: 'admins:write',
  reach: 'organisation',
  destructive: true,
  fourEyes: whenSeveral,
  params: idParams,
  state: administratorState,
  status: 200,
  response: idParams,
  async handle(context, { actor, params }) {
    await findBelow(context, actor, params.id)
    await context.access.administrators.remove(params.id)
    await context.accounts.apiKeys.revokeMadeBy(params.id)
    return params
  },
  lines: [{ noun: 'admin', verb: 'remove', print: ({ id }) => `${id} removed` }],
})

export const administratorCommands: readonly Command[] = [
  inviteAdministrator,
  recoverAdministrator,
  beginWithPasskey,
  beginWithTotp,
  enrol,
  listAdministrators,
  changeAdministrator,
  removeAdministrator,
]
