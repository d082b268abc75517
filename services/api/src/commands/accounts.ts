/** Commands about accounts. */
import { AccountError, type Account, type AccountQuery } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import {
  organisationIdsOf,
  organisationOf,
  reachableAccount,
  reachableOrganisation,
  reaches,
} from '../access/reach.ts'
import { WINDOW_DAYS_MAX } from '../lifecycle/subscription.ts'
import {
  accountSchema,
  addressParams,
  addressSchema,
  linkSchema,
  parseAddress,
  passwordSchema,
  printAccount,
  reasonSchema,
  showAccount,
  showLink,
  stateSchema,
} from './account-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const reject = {
  foreignDomain: () => new HttpProblem(422, 'domain-not-served', 'This server does not serve that domain'),
  otherRequest: () =>
    new HttpProblem(422, 'idempotency-key-reused', 'The Idempotency-Key was used for another account'),
} as const

async function makeEnrolment({ accounts, links }: CommandContext, accountId: string) {
  const { token, invite } = await accounts.invites.createPassword(accountId)
  return showLink(links.enrolment(token), token, invite.expiresAt)
}

/** For the audit log. */
async function accountState({ accounts }: CommandContext, { params }: { params: { jid?: unknown } }) {
  const account = typeof params.jid === 'string' ? await accounts.find(parseAddress(params.jid)) : undefined
  return account === undefined ? {} : { state: account.state, reason: account.reason }
}

interface AboutOneAccount extends Pick<Command, 'summary' | 'method' | 'path' | 'access' | 'destructive'> {
  readonly verb: string
  readonly act: (context: CommandContext, account: Account, actor: Actor) => Promise<Account>
}

/** A command that needs nothing but the address of an account and answers with the account. */
function aboutOneAccount({ verb, act, ...rest }: AboutOneAccount): Command {
  return defineCommand({
    ...rest,
    name: `account.${verb}`,
    reach: 'organisation',
    state: accountState,
    params: addressParams,
    status: 200,
    response: accountSchema,
    handle: async (context, { actor, params }) => {
      const account = await reachableAccount(context, actor, parseAddress(params.jid))
      return showAccount(await act(context, account, actor))
    },
    lines: [{ noun: 'account', verb, print: printAccount }],
  })
}

const createdSchema = Type.Object({ ...accountSchema.properties, enrolment: Type.Optional(linkSchema) })

export const createAccount = defineCommand({
  name: 'account.create',
  summary: 'Create an account; without a password, with a one-time link for choosing one',
  method: 'POST',
  path: '/v1/accounts',
  access: 'accounts:write',
  claimsKey: true,
  body: Type.Object(
    {
      jid: addressSchema,
      password: Type.Optional(passwordSchema),
      organisation: Type.Optional(
        Type.String({ format: 'uuid', description: 'To which it belongs; your own if you are bound to one' }),
      ),
    },
    { additionalProperties: false },
  ),
  reach: 'organisation',
  records: ['organisation'],
  status: 201,
  response: createdSchema,
  async handle(context, { actor, body, idempotencyKey }) {
    const jid = parseAddress(body.jid)
    if (!context.domains.includes(jid.domain)) throw reject.foreignDomain()
    const organisationId = body.organisation ?? organisationOf(actor)
    if (organisationId !== undefined) await reachableOrganisation(context, actor, organisationId)
    const id = await context.claimAccountId(actor, idempotencyKey)
    const known = id === undefined ? undefined : await context.accounts.findById(id)
    if (known && !known.jid.equals(jid)) throw reject.otherRequest()
    // It may have been moved since.
    if (known && !(await reaches(context, actor, known.organisationId)))
      throw new AccountError('ACCOUNT_EXISTS')
    if (known?.state === 'terminated') throw new AccountError('ACCOUNT_TERMINATED')
    const account = known ?? (await context.accounts.create(jid, body.password, { id, organisationId }))
    if (body.password !== undefined) return showAccount(account)
    return { ...showAccount(account), enrolment: await makeEnrolment(context, account.id) }
  },
  lines: [
    {
      noun: 'account',
      verb: 'create',
      positional: ['jid'],
      fromStdin: 'password',
      print: ({ jid, enrolment }) =>
        enrolment === undefined
          ? `${jid} created`
          : `${jid} created\nA password is chosen at ${enrolment.url} (once, until ${enrolment.expires_at})`,
    },
  ],
})

export const enrolAccount = defineCommand({
  name: 'account.enrol',
  summary: 'Make a new one-time link for choosing a password; the one before stops working',
  method: 'POST',
  path: '/v1/accounts/:jid/enrolment',
  access: 'accounts:write',
  reach: 'organisation',
  params: addressParams,
  status: 201,
  response: linkSchema,
  async handle(context, { actor, params }) {
    const account = await reachableAccount(context, actor, parseAddress(params.jid))
    if (account.state === 'terminated') throw new AccountError('ACCOUNT_TERMINATED')
    return makeEnrolment(context, account.id)
  },
  lines: [
    {
      noun: 'account',
      verb: 'enrol',
      print: (link) => `A password is chosen at ${link.url} (once, until ${link.expires_at})`,
    },
  ],
})

const dayFilter = (description: string) =>
  Type.Optional(Type.String({ format: 'date', pattern: '^[12]', description }))

/** Which accounts are meant. */
export const accountFilters = {
  domain: Type.Optional(Type.String({ minLength: 1, maxLength: 1023 })),
  state: Type.Optional(stateSchema),
  reason: Type.Optional({ ...reasonSchema, description: 'Why they are suspended' }),
  organisation: Type.Optional(
    Type.String({ format: 'uuid', description: 'Belonging to it, or to one below it' }),
  ),
  plan: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 32,
      pattern: '^[a-z][a-z0-9_-]*$',
      description: '"default": none',
    }),
  ),
  created_after: dayFilter('Created after that day'),
  created_before: dayFilter('Created before that day'),
  last_used_after: dayFilter('Used after that day'),
  last_used_before: dayFilter('Used, and not since: before that day'),
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: String.raw`^[^\u0000-\u001f]*$`,
      description: 'Part of the name before the @',
    }),
  ),
}
const filtersSchema = Type.Object(accountFilters)

const listQuery = Type.Object(
  {
    cursor: Type.Optional(Type.String({ maxLength: 4096, description: '`next` of the page before' })),
    limit: limitSchema,
    ...accountFilters,
  },
  { additionalProperties: false },
)

/** Those that are meant, as far as the actor reaches. Throws ORGANISATION_UNKNOWN. */
export async function readFilters(
  context: CommandContext,
  actor: Actor,
  query: Static<typeof filtersSchema>,
): Promise<Omit<AccountQuery, 'cursor' | 'limit'>> {
  const { state, reason, plan, search, domain } = query
  return {
    state,
    reason,
    plan,
    search: search?.toLowerCase(),
    domain: domain === undefined ? undefined : parseJid(domain).domain,
    organisationIds: await organisationIdsOf(context, actor, query.organisation),
    createdAfter: query.created_after,
    createdBefore: query.created_before,
    lastUsedAfter: query.last_used_after,
    lastUsedBefore: query.last_used_before,
  }
}

const pageSchema = Type.Object({
  items: Type.Array(accountSchema),
  next: nextSchema,
})

export const listAccounts = defineCommand({
  name: 'account.list',
  summary: 'List accounts by address',
  method: 'GET',
  path: '/v1/accounts',
  access: 'accounts:read',
  reach: 'organisation',
  query: listQuery,
  status: 200,
  response: pageSchema,
  async handle(context, { actor, query }) {
    const { cursor, limit = LIMIT_DEFAULT } = query
    const filters = await readFilters(context, actor, query)
    const { items, next } = await context.accounts.list({ ...filters, cursor, limit })
    return withNext(items.map(showAccount), next)
  },
  lines: [{ noun: 'account', verb: 'list', print: printPage }],
})

function printPage({ items, next }: Static<typeof pageSchema>): string {
  const lines = items.map(printAccount)
  if (next !== undefined) lines.push(`More with --cursor ${next}`)
  return lines.length === 0 ? 'No accounts' : lines.join('\n')
}

export const showOneAccount = aboutOneAccount({
  summary: 'Show an account',
  method: 'GET',
  path: '/v1/accounts/:jid',
  access: 'accounts:read',
  verb: 'show',
  act: async (_context, account) => account,
})

export const suspendAccount = defineCommand({
  name: 'account.suspend',
  summary: 'Suspend an account: its streams are closed, nobody can sign in, nothing is deleted',
  method: 'POST',
  path: '/v1/accounts/:jid/suspend',
  access: 'accounts:suspend',
  params: addressParams,
  reach: 'organisation',
  body: Type.Object(
    {
      reason: Type.Optional(reasonSchema),
      until: Type.Optional(
        Type.String({
          format: 'date',
          pattern: '^2',
          description: 'Day from which it is active again by itself; until somebody lifts it unless given',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  records: ['reason', 'until'],
  state: accountState,
  status: 200,
  response: accountSchema,
  async handle(context, { actor, params, body: { reason = 'unspecified', until } }) {
    const { jid } = await reachableAccount(context, actor, parseAddress(params.jid))
    return showAccount(await context.accounts.suspend(jid, reason, { until, within: organisationOf(actor) }))
  },
  lines: [{ noun: 'account', verb: 'suspend', print: printAccount }],
})

export const restoreAccount = aboutOneAccount({
  summary: 'Lift a suspension',
  method: 'POST',
  path: '/v1/accounts/:jid/restore',
  access: 'accounts:suspend',
  verb: 'restore',
  act: ({ accounts }, { jid }, actor) => accounts.restore(jid, { within: organisationOf(actor) }),
})

export const terminateAccount = defineCommand({
  name: 'account.terminate',
  summary: 'Terminate an account for ever: its data is erased, its name never given again',
  method: 'POST',
  path: '/v1/accounts/:jid/terminate',
  access: 'accounts:terminate',
  reach: 'organisation',
  destructive: true,
  state: accountState,
  params: addressParams,
  body: Type.Object(
    {
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: WINDOW_DAYS_MAX,
          description:
            'Days in which its owner can still move away; at once unless given, and always after abuse',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  records: ['after'],
  status: 200,
  response: accountSchema,
  async handle(context, { actor, params, body: { after = 0 } }) {
    const account = await reachableAccount(context, actor, parseAddress(params.jid))
    return showAccount(await context.lifecycle.terminate(account, after, { within: organisationOf(actor) }))
  },
  lines: [{ noun: 'account', verb: 'terminate', print: printAccount }],
})

export const keepAccount = aboutOneAccount({
  summary: 'Take back a termination whose window is still open',
  method: 'POST',
  path: '/v1/accounts/:jid/keep',
  access: 'accounts:terminate',
  verb: 'keep',
  act: ({ accounts }, { jid }, actor) => accounts.leave(jid, undefined, { within: organisationOf(actor) }),
})
