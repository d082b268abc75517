/** How subscriptions look in the API, and what the billing system may say of one. */
import { Type, type Static } from '@sealpost/http'
import type { Subscription, WantedTerms } from '../lifecycle/subscription.ts'

const daySchema = Type.String({ format: 'date', pattern: '^2' })
export const feeSchema = Type.Union([Type.Literal('none'), Type.Literal('due'), Type.Literal('overdue')], {
  description: 'none: nothing is to be paid',
})

export const termsFields = {
  term_months: Type.Integer({ minimum: 1, maximum: 120 }),
  started_on: Type.String({ ...daySchema, description: 'The seven days of the guarantee count from here' }),
  renews_on: Type.String({ ...daySchema, description: 'A reminder goes out seven days before' }),
  fee: feeSchema,
  suspends_on: Type.Optional(
    Type.String({
      ...daySchema,
      description: 'Of an overdue fee: when all is suspended; seven days from now unless it is given',
    }),
  ),
  reference: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      pattern: '^[!-~]+$',
      description: 'What the billing system calls it',
    }),
  ),
  billing_method: Type.Optional(
    Type.String({
      pattern: '^[a-z][a-z0-9-]{0,39}$',
      description: 'How fees are paid, in a word: card, transfer; never a number',
    }),
  ),
}
const termsSchema = Type.Object(termsFields)

export const subscriptionSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  organisation: Type.Optional(Type.String({ format: 'uuid' })),
  account: Type.Optional(Type.String({ format: 'uuid', description: 'Id of the account' })),
  state: Type.Union([Type.Literal('running'), Type.Literal('refund-due')], {
    description: 'refund-due: terminated within seven days of its start, and not refunded yet',
  }),
  ...termsFields,
})

export function readTerms(terms: Static<typeof termsSchema>): WantedTerms {
  return {
    reference: terms.reference,
    billingMethod: terms.billing_method,
    termMonths: terms.term_months,
    startedOn: terms.started_on,
    renewsOn: terms.renews_on,
    fee: terms.fee,
    suspendsOn: terms.suspends_on,
  }
}

export function showSubscription(subscription: Subscription): Static<typeof subscriptionSchema> {
  const { id, subject, state, reference, billingMethod, termMonths, startedOn, renewsOn, fee, suspendsOn } =
    subscription
  return {
    id,
    ...(subject === undefined ? {} : { [subject.kind]: subject.id }),
    state,
    term_months: termMonths,
    started_on: startedOn,
    renews_on: renewsOn,
    fee,
    ...(suspendsOn === undefined ? {} : { suspends_on: suspendsOn }),
    ...(reference === undefined ? {} : { reference }),
    ...(billingMethod === undefined ? {} : { billing_method: billingMethod }),
  }
}

export function printSubscription(subscription: Static<typeof subscriptionSchema>): string {
  const { organisation, account, state, fee, renews_on: renews, suspends_on: suspends } = subscription
  const whose =
    organisation === undefined ? `account ${account ?? '(erased)'}` : `organisation ${organisation}`
  const end = suspends === undefined ? '' : `  suspended on ${suspends}`
  return `${subscription.id}  ${whose}  ${state}  fee ${fee}${end}  renews ${renews}`
}
