/** Commands about organisations: who is below whom, what they may use, how they are suspended. */
import type { Deciding, Organisation } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { WINDOW_DAYS_MAX } from '../lifecycle/subscription.ts'
import { organisationOf, reachableAccount, reachableOrganisation } from '../access/reach.ts'
import {
  accountSchema,
  addressParams,
  parseAddress,
  printAccount,
  reasonSchema,
  showAccount,
} from './account-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { whenSeveral } from './four-eyes.ts'
import {
  detailedSchema,
  kindSchema,
  nameSchema,
  organisationParams,
  organisationSchema,
  poolSizeFields,
  printDetailed,
  printOrganisation,
  readPools,
  showDetailed,
  showOrganisation,
} from './organisation-schema.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const reject = {
  own: () => new HttpProblem(403, 'own-organisation', 'That is decided by those above the organisation'),
} as const

export async function detailed({ accounts }: CommandContext, organisation: Organisation) {
  return showDetailed(organisation, await accounts.organisations.pools(organisation.id))
}

/** What administrators of an organisation may not decide about the own one: only about those below. */
async function organisationBelow(context: CommandContext, actor: Actor, id: string): Promise<Organisation> {
  const organisation = await reachableOrganisation(context, actor, id)
  if (organisation.id === organisationOf(actor)) throw reject.own()
  return organisation
}

/** For the audit log. */
async function organisationState({ accounts }: CommandContext, { params }: { params: { id?: unknown } }) {
  const organisation =
    typeof params.id === 'string' ? await accounts.organisations.find(params.id) : undefined
  if (organisation === undefined) return {}
  const { name, kind, state, reason, terminatesOn, brand } = organisation
  const pools = await accounts.organisations.pools(organisation.id)
  const sizes = Object.fromEntries(
    Object.entries(pools).map(([resource, { size }]) => [resource, size ?? null]),
  )
  return { name, kind, state, reason, terminates_on: terminatesOn, ...sizes, brand: { ...brand } }
}

const createOrganisation = defineCommand({
  name: 'organisation.create',
  summary:
    'Make an organisation below the server or a reseller; without pools it has no bounds where the one above has none',
  method: 'POST',
  path: '/v1/organisations',
  access: 'organisations:write',
  reach: 'organisation',
  records: ['name', 'kind', 'parent', 'accounts', 'mailbox_mib', 'mails_per_day', 'keys'],
  body: Type.Object(
    {
      name: nameSchema,
      kind: Type.Optional(kindSchema),
      parent: Type.Optional(
        Type.String({
          format: 'uuid',
          description: 'A reseller; absent: your own organisation, or the server',
        }),
      ),
      ...poolSizeFields,
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: detailedSchema,
  async handle(context, { actor, body: { name, kind = 'customer', parent, ...sizes } }) {
    const parentId = parent ?? organisationOf(actor)
    if (parentId !== undefined) await reachableOrganisation(context, actor, parentId)
    const { organisations } = context.accounts
    return detailed(context, await organisations.create({ name, kind, parentId, pools: readPools(sizes) }))
  },
  lines: [{ noun: 'organisation', verb: 'create', positional: ['name'], print: printDetailed }],
})

const pageSchema = Type.Object({
  items: Type.Array(organisationSchema),
  next: nextSchema,
})

function printPage({ items, next }: Static<typeof pageSchema>): string {
  const lines = items.map(printOrganisation)
  if (next !== undefined) lines.push(`More with --cursor ${next}`)
  return lines.length === 0 ? 'No organisations' : lines.join('\n')
}

const listOrganisations = defineCommand({
  name: 'organisation.list',
  summary: 'List organisations by name',
  method: 'GET',
  path: '/v1/organisations',
  access: 'organisations:read',
  reach: 'organisation',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ maxLength: 1024, description: '`next` of the page before' })),
      limit: limitSchema,
      parent: Type.Optional(Type.String({ format: 'uuid', description: 'Only those directly below it' })),
      search: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 100,
          pattern: String.raw`^[^\u0000-\u001f]*$`,
          description: 'Part of the name',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageSchema,
  async handle({ accounts }, { actor, query: { cursor, limit = LIMIT_DEFAULT, parent, search } }) {
    const within = organisationOf(actor)
    const { items, next } = await accounts.organisations.list({
      cursor,
      limit,
      parentId: parent,
      search,
      within,
    })
    return withNext(items.map(showOrganisation), next)
  },
  lines: [{ noun: 'organisation', verb: 'list', print: printPage }],
})

const showOneOrganisation = defineCommand({
  name: 'organisation.show',
  summary: 'Show an organisation with its pools',
  method: 'GET',
  path: '/v1/organisations/:id',
  access: 'organisations:read',
  reach: 'organisation',
  params: organisationParams,
  status: 200,
  response: detailedSchema,
  handle: async (context, { actor, params }) =>
    detailed(context, await reachableOrganisation(context, actor, params.id)),
  lines: [{ noun: 'organisation', verb: 'show', print: printDetailed }],
})

const changeOrganisation = defineCommand({
  name: 'organisation.change',
  summary: 'Change name, kind or pools of an organisation; what is not given stays as it is',
  method: 'PATCH',
  path: '/v1/organisations/:id',
  access: 'organisations:write',
  reach: 'organisation',
  state: organisationState,
  params: organisationParams,
  body: Type.Object(
    { name: Type.Optional(nameSchema), kind: Type.Optional(kindSchema), ...poolSizeFields },
    { additionalProperties: false },
  ),
  status: 200,
  response: detailedSchema,
  async handle(context, { actor, params, body: { name, kind, ...sizes } }) {
    const { id } = await organisationBelow(context, actor, params.id)
    return detailed(
      context,
      await context.accounts.organisations.update(id, { name, kind, pools: readPools(sizes) }),
    )
  },
  lines: [{ noun: 'organisation', verb: 'change', print: printDetailed }],
})

const removeOrganisation = defineCommand({
  name: 'organisation.remove',
  summary: 'Remove an organisation to which nothing belongs any more',
  method: 'DELETE',
  path: '/v1/organisations/:id',
  access: 'organisations:write',
  reach: 'organisation',
  destructive: true,
  fourEyes: whenSeveral,
  params: organisationParams,
  status: 200,
  response: organisationParams,
  async handle(context, { actor, params }) {
    const { id } = await organisationBelow(context, actor, params.id)
    await context.endings.remove(id)
    return { id }
  },
  lines: [{ noun: 'organisation', verb: 'remove', print: ({ id }) => `${id} removed` }],
})

const terminateOrganisation = defineCommand({
  name: 'organisation.terminate',
  summary:
    'Terminate an organisation for ever with all below it: accounts, administrators, keys and invites; data is erased, names never given again',
  method: 'POST',
  path: '/v1/organisations/:id/terminate',
  access: 'organisations:write',
  reach: 'organisation',
  destructive: true,
  fourEyes: whenSeveral,
  records: ['after'],
  state: organisationState,
  params: organisationParams,
  body: Type.Object(
    {
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: WINDOW_DAYS_MAX,
          description:
            'Days in which its people can still move away; at once unless given, and always after abuse',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: organisationSchema,
  async handle(context, { actor, params, body: { after = 0 } }) {
    const organisation = await organisationBelow(context, actor, params.id)
    return showOrganisation(await context.endings.end(organisation, after, { within: organisationOf(actor) }))
  },
  lines: [{ noun: 'organisation', verb: 'terminate', print: printOrganisation }],
})

interface AboutOneBelow extends Pick<Command, 'summary'> {
  readonly verb: string
  readonly act: (context: CommandContext, organisation: Organisation, by: Deciding) => Promise<Organisation>
}

/** A command that needs nothing but the id of an organisation and answers with the organisation. */
function aboutOneBelow({ verb, summary, act }: AboutOneBelow): Command {
  return defineCommand({
    summary,
    name: `organisation.${verb}`,
    method: 'POST',
    path: `/v1/organisations/:id/${verb}`,
    access: 'organisations:write',
    reach: 'organisation',
    state: organisationState,
    params: organisationParams,
    status: 200,
    response: organisationSchema,
    async handle(context, { actor, params }) {
      const organisation = await organisationBelow(context, actor, params.id)
      return showOrganisation(await act(context, organisation, { within: organisationOf(actor) }))
    },
    lines: [{ noun: 'organisation', verb, print: printOrganisation }],
  })
}

const keepOrganisation = aboutOneBelow({
  verb: 'keep',
  summary: 'Take back the termination of an organisation whose window is still open',
  act: ({ endings }, organisation, by) => endings.keep(organisation, by),
})

const suspendOrganisation = defineCommand({
  name: 'organisation.suspend',
  summary: 'Suspend an organisation with all below it: all accounts at once, nothing is deleted',
  method: 'POST',
  path: '/v1/organisations/:id/suspend',
  access: 'organisations:write',
  reach: 'organisation',
  records: ['reason'],
  state: organisationState,
  params: organisationParams,
  body: Type.Object({ reason: Type.Optional(reasonSchema) }, { additionalProperties: false }),
  status: 200,
  response: organisationSchema,
  async handle(context, { actor, params, body: { reason = 'unspecified' } }) {
    const { id } = await organisationBelow(context, actor, params.id)
    const by = { within: organisationOf(actor) }
    return showOrganisation(await context.accounts.organisations.suspend(id, reason, by))
  },
  lines: [{ noun: 'organisation', verb: 'suspend', print: printOrganisation }],
})

const restoreOrganisation = aboutOneBelow({
  verb: 'restore',
  summary: 'Lift the suspension of an organisation and of all that was suspended with it',
  act: ({ accounts }, { id }, by) => accounts.organisations.reinstate(id, by),
})

const moveAccount = defineCommand({
  name: 'account.move',
  summary: 'Move an account to an organisation, or to none; the pools of both decide',
  method: 'PUT',
  path: '/v1/accounts/:jid/organisation',
  access: 'accounts:write',
  reach: 'organisation',
  async state({ accounts }, { params }) {
    const account = await accounts.find(parseAddress(params.jid))
    return { organisation: account?.organisationId ?? null }
  },
  params: addressParams,
  body: Type.Object(
    { organisation: Type.Optional(Type.String({ format: 'uuid', description: 'Absent: to none' })) },
    { additionalProperties: false },
  ),
  status: 200,
  response: accountSchema,
  async handle(context, { actor, params, body }) {
    const { jid } = await reachableAccount(context, actor, parseAddress(params.jid))
    const { organisation } = body
    if (organisation === undefined && organisationOf(actor) !== undefined) throw reject.own()
    if (organisation !== undefined) await reachableOrganisation(context, actor, organisation)
    await context.accounts.organisations.moveAccount(jid, organisation)
    return showAccount(await reachableAccount(context, actor, jid))
  },
  lines: [{ noun: 'account', verb: 'move', positional: ['organisation'], print: printAccount }],
})

export const organisationCommands: readonly Command[] = [
  createOrganisation,
  listOrganisations,
  showOneOrganisation,
  changeOrganisation,
  removeOrganisation,
  terminateOrganisation,
  keepOrganisation,
  suspendOrganisation,
  restoreOrganisation,
  moveAccount,
]
