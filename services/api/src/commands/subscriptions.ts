/** Commands about subscriptions: what the billing system, or an administrator in its place, says of a term and its fee. No amounts, no card data. */
import { AccountError } from '@sealpost/accounts'
import { assert } from '@sealpost/errors'
import { Type, type Static } from '@sealpost/http'
import { organisationOf, reachableAccount, reachableOrganisation } from '../access/reach.ts'
import { cutPage } from '../cut-page.ts'
import { LifecycleError, type Subject, type Subscription } from '../lifecycle/subscription.ts'
import { addressParams, parseAddress } from './account-schema.ts'
import { defineCommand, type Actor, type Command, type CommandContext } from './command.ts'
import { organisationParams } from './organisation-schema.ts'
import {
  feeSchema,
  printSubscription,
  readTerms,
  showSubscription,
  subscriptionSchema,
  termsFields,
} from './subscription-schema.ts'
import { nameSubject, subjectName } from './subject-name.ts'
import { LIMIT_DEFAULT, limitSchema, nextSchema, withNext } from './paging.ts'

const termsBody = Type.Object(termsFields, { additionalProperties: false })

async function ofOrganisation(context: CommandContext, actor: Actor, id: string): Promise<Subject> {
  return { kind: 'organisation', id: (await reachableOrganisation(context, actor, id)).id }
}

async function ofAccount(context: CommandContext, actor: Actor, jid: string): Promise<Subject> {
  return { kind: 'account', id: (await reachableAccount(context, actor, parseAddress(jid))).id }
}

async function found({ lifecycle }: CommandContext, subject: Subject): Promise<Subscription> {
  const subscription = await lifecycle.find(subject)
  if (subscription === undefined) throw new LifecycleError('SUBSCRIPTION_UNKNOWN')
  return subscription
}

/** For the audit log. */
async function stateOf({ lifecycle }: CommandContext, subject: Subject | undefined) {
  const subscription = subject && (await lifecycle.find(subject))
  return subscription === undefined ? {} : { ...showSubscription(subscription) }
}

async function accountState(context: CommandContext, { params }: { params: { jid: string } }) {
  const account = await context.accounts.find(parseAddress(params.jid))
  return stateOf(context, account && { kind: 'account', id: account.id })
}

const showOrganisationSubscription = defineCommand({
  name: 'subscription.show',
  summary: 'Show the subscription of an organisation',
  method: 'GET',
  path: '/v1/subscriptions/organisations/:id',
  access: 'billing:read',
  reach: 'organisation',
  params: organisationParams,
  status: 200,
  response: subscriptionSchema,
  handle: async (context, { actor, params }) =>
    showSubscription(await found(context, await ofOrganisation(context, actor, params.id))),
  lines: [{ noun: 'subscription', verb: 'show', print: printSubscription }],
})

const setOrganisationSubscription = defineCommand({
  name: 'subscription.set',
  summary: 'Set term and fee of an organisation; what follows from an overdue or a paid fee is done at once',
  method: 'PUT',
  path: '/v1/subscriptions/organisations/:id',
  access: 'billing:write',
  state: (context, { params }) => stateOf(context, { kind: 'organisation', id: params.id }),
  params: organisationParams,
  body: termsBody,
  status: 200,
  response: subscriptionSchema,
  async handle(context, { actor, params, body }) {
    const subject = await ofOrganisation(context, actor, params.id)
    return showSubscription(await context.lifecycle.set(subject, readTerms(body)))
  },
  lines: [{ noun: 'subscription', verb: 'set', print: printSubscription }],
})

const removeOrganisationSubscription = defineCommand({
  name: 'subscription.remove',
  summary: 'Forget the subscription of an organisation',
  method: 'DELETE',
  path: '/v1/subscriptions/organisations/:id',
  access: 'billing:write',
  params: organisationParams,
  status: 200,
  response: organisationParams,
  async handle({ lifecycle }, { params: { id } }) {
    if (!(await lifecycle.remove({ kind: 'organisation', id })))
      throw new LifecycleError('SUBSCRIPTION_UNKNOWN')
    return { id }
  },
  lines: [{ noun: 'subscription', verb: 'remove', print: ({ id }) => `${id} has no subscription any more` }],
})

const showAccountSubscription = defineCommand({
  name: 'account.subscription',
  summary: 'Show the subscription of a single account',
  method: 'GET',
  path: '/v1/subscriptions/accounts/:jid',
  access: 'billing:read',
  reach: 'organisation',
  params: addressParams,
  status: 200,
  response: subscriptionSchema,
  handle: async (context, { actor, params }) =>
    showSubscription(await found(context, await ofAccount(context, actor, params.jid))),
  lines: [{ noun: 'account', verb: 'subscription', print: printSubscription }],
})

const setAccountSubscription = defineCommand({
  name: 'account.subscribe',
  summary: 'Set term and fee of a single account; what follows from an overdue or a paid fee is done at once',
  method: 'PUT',
  path: '/v1/subscriptions/accounts/:jid',
  access: 'billing:write',
  state: accountState,
  params: addressParams,
  body: termsBody,
  status: 200,
  response: subscriptionSchema,
  async handle(context, { actor, params, body }) {
    const account = await reachableAccount(context, actor, parseAddress(params.jid))
    if (account.state === 'terminated') throw new AccountError('ACCOUNT_TERMINATED')
    return showSubscription(await context.lifecycle.set({ kind: 'account', id: account.id }, readTerms(body)))
  },
  lines: [{ noun: 'account', verb: 'subscribe', print: printSubscription }],
})

const pageSchema = Type.Object({
  items: Type.Array(Type.Object({ ...subscriptionSchema.properties, ...subjectName })),
  next: nextSchema,
})

function printPage({ items, next }: Static<typeof pageSchema>): string {
  const lines = items.map(printSubscription)
  if (next !== undefined) lines.push(`More with --cursor ${next}`)
  return lines.length === 0 ? 'No subscriptions' : lines.join('\n')
}

const listSubscriptions = defineCommand({
  name: 'subscription.list',
  summary: 'List subscriptions; for an organisation, those of itself and of organisations below it',
  method: 'GET',
  path: '/v1/subscriptions',
  access: 'billing:read',
  reach: 'organisation',
  query: Type.Object(
    {
      cursor: Type.Optional(Type.String({ format: 'uuid', description: '`next` of the page before' })),
      limit: limitSchema,
      fee: Type.Optional(feeSchema),
      state: Type.Optional(Type.Union([Type.Literal('running'), Type.Literal('refund-due')])),
    },
    { additionalProperties: false },
  ),
  status: 200,
  response: pageSchema,
  async handle(context, { actor, query: { cursor, limit = LIMIT_DEFAULT, fee, state } }) {
    const { accounts, lifecycle } = context
    const bound = organisationOf(actor)
    const organisationIds =
      bound === undefined ? undefined : [...(await accounts.organisations.within(bound))]
    const rows = await lifecycle.list({ after: cursor, limit: limit + 1, fee, state, organisationIds })
    const { items, next } = cutPage(rows, limit, ({ id }) => id)
    const shown = items.map(async (each) => ({
      ...showSubscription(each),
      ...(await nameSubject(context, each.subject)),
    }))
    return withNext(await Promise.all(shown), next)
  },
  lines: [{ noun: 'subscription', verb: 'list', print: printPage }],
})

const refunded = defineCommand({
  name: 'subscription.refunded',
  summary: 'Say that a refund that was due has been paid; the subscription is forgotten',
  method: 'POST',
  path: '/v1/subscriptions/:id/refunded',
  access: 'billing:write',
  params: organisationParams,
  status: 200,
  response: organisationParams,
  async handle({ lifecycle }, { params: { id } }) {
    await lifecycle.refunded(id)
    return { id }
  },
  lines: [{ noun: 'subscription', verb: 'refunded', print: ({ id }) => `${id} refunded` }],
})

const mySchema = Type.Object({
  subscription: Type.Optional(subscriptionSchema),
  terminates_on: Type.Optional(
    Type.String({ format: 'date', description: 'The end of the window to migrate' }),
  ),
})

const showMySubscription = defineCommand({
  name: 'me.subscription',
  summary: 'Show your own subscription, and whether your account ends',
  method: 'GET',
  path: '/v1/me/subscription',
  access: 'account',
  byProgram: true,
  status: 200,
  response: mySchema,
  async handle({ accounts, lifecycle }, { actor }) {
    assert(actor.kind === 'account')
    const { id } = actor.account
    const subscription = await lifecycle.find({ kind: 'account', id })
    const organisation = await accounts.organisations.ofAccount(id)
    const ends = [actor.account.terminatesOn, organisation?.terminatesOn].filter((day) => day !== undefined)
    const terminatesOn = ends.toSorted()[0]
    return {
      ...(subscription === undefined ? {} : { subscription: showSubscription(subscription) }),
      ...(terminatesOn === undefined ? {} : { terminates_on: terminatesOn }),
    }
  },
})

export const subscriptionCommands: readonly Command[] = [
  listSubscriptions,
  showOrganisationSubscription,
  setOrganisationSubscription,
  removeOrganisationSubscription,
  showAccountSubscription,
  setAccountSubscription,
  refunded,
  showMySubscription,
]
