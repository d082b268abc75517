/** Commands about plans: named limits of mail, and which account has which. */
import { PLAN_LIMITS, type Account, type Plan } from '@sealpost/accounts'
import { Type, type Static } from '@sealpost/http'
import { reachableAccount } from '../access/reach.ts'
import { addressParams, parseAddress } from './account-schema.ts'
import { defineCommand, type CommandContext } from './command.ts'

const limitFields = Object.fromEntries(
  Object.entries(PLAN_LIMITS).map(([name, { min, max, meaning }]) => [
    name,
    Type.Optional(Type.Integer({ minimum: min, maximum: max, description: meaning })),
  ]),
)
const limitsSchema = Type.Object(limitFields, {
  additionalProperties: false,
  description: 'What is absent is as the server is set',
})
const planSchema = Type.Object({ name: Type.String(), limits: limitsSchema })
const listedSchema = Type.Object({
  name: Type.String(),
  limits: limitsSchema,
  accounts: Type.Integer({ description: 'How many have it' }),
})
const ofAccountSchema = Type.Object({ jid: Type.String(), plan: Type.String(), limits: limitsSchema })
const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 32 }) })

function printPlan({ name, limits }: Plan): string {
  const each = Object.entries(limits).map(
    ([limit, value]) => `${limit.replaceAll('_', '-')} ${String(value)}`,
  )
  return [name, ...(each.length === 0 ? ['as the server'] : each)].join('  ')
}

function printListed({ accounts, ...plan }: Static<typeof listedSchema>): string {
  return `${printPlan(plan)}  (accounts: ${String(accounts)})`
}

export const listPlans = defineCommand({
  name: 'plan.list',
  summary: 'List the plans with their limits; accounts without one have what the server is set to',
  method: 'GET',
  path: '/v1/plans',
  access: 'plans:read',
  reach: 'organisation',
  status: 200,
  response: Type.Object({ items: Type.Array(listedSchema) }),
  handle: async ({ accounts }) => ({ items: [...(await accounts.plans.list())] }),
  lines: [
    {
      noun: 'plan',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'There are no plans' : items.map(printListed).join('\n')),
    },
  ],
})

export const setPlan = defineCommand({
  name: 'plan.set',
  summary: 'Make or replace a plan, in force at once; what is not given is as the server is set',
  method: 'PUT',
  path: '/v1/plans/:name',
  access: 'plans:write',
  state: async ({ accounts }, request) => ({
    ...(await accounts.plans.list()).find(({ name }) => name === request.params.name)?.limits,
  }),
  params,
  body: limitsSchema,
  status: 200,
  response: planSchema,
  handle: ({ accounts }, request) => accounts.plans.set(request.params.name, request.body),
  lines: [{ noun: 'plan', verb: 'set', print: printPlan }],
})

export const removePlan = defineCommand({
  name: 'plan.remove',
  summary: 'Remove a plan that no account has',
  method: 'DELETE',
  path: '/v1/plans/:name',
  access: 'plans:write',
  params,
  status: 200,
  response: Type.Object({ name: Type.String() }),
  async handle({ accounts }, request) {
    const { name } = request.params
    await accounts.plans.remove(name)
    return { name }
  },
  lines: [{ noun: 'plan', verb: 'remove', print: ({ name }) => `${name} removed` }],
})

async function showOf(
  { accounts }: CommandContext,
  account: Account,
): Promise<Static<typeof ofAccountSchema>> {
  const { name, limits } = await accounts.plans.of(account.id)
  return { jid: account.jid.toString(), plan: name, limits }
}

const printOf = ({ jid, plan, limits }: Static<typeof ofAccountSchema>): string =>
  `${jid}  ${printPlan({ name: plan, limits })}`

export const showAccountPlan = defineCommand({
  name: 'account.plan',
  summary: 'Show which plan an account has',
  method: 'GET',
  path: '/v1/accounts/:jid/plan',
  access: 'accounts:read',
  reach: 'organisation',
  params: addressParams,
  status: 200,
  response: ofAccountSchema,
  handle: async (context, { actor, params: { jid } }) =>
    showOf(context, await reachableAccount(context, actor, parseAddress(jid))),
  lines: [{ noun: 'account', verb: 'plan', print: printOf }],
})

export const setAccountPlan = defineCommand({
  name: 'account.set-plan',
  summary: 'Give an account a plan, or "default": what the server is set to',
  method: 'PUT',
  path: '/v1/accounts/:jid/plan',
  access: 'accounts:write',
  reach: 'organisation',
  async state({ accounts }, request) {
    const account = await accounts.find(parseAddress(request.params.jid))
    return account === undefined ? {} : { plan: (await accounts.plans.of(account.id)).name }
  },
  params: addressParams,
  body: Type.Object({ plan: Type.String({ minLength: 1, maxLength: 32 }) }, { additionalProperties: false }),
  status: 200,
  response: ofAccountSchema,
  async handle(context, { actor, params: { jid }, body }) {
    const account = await reachableAccount(context, actor, parseAddress(jid))
    await context.accounts.plans.assign(account.jid, body.plan)
    return showOf(context, account)
  },
  lines: [{ noun: 'account', verb: 'set-plan', positional: ['plan'], print: printOf }],
})
