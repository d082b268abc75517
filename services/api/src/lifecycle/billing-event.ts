/** Events of the billing system: their form, read strictly, and what they do. Doing one twice changes nothing. */
import type { AccountsDomain } from '@sealpost/accounts'
import { Type, violations, type Static } from '@sealpost/http'
import { readTerms, termsFields } from '../commands/subscription-schema.ts'
import type { Lifecycle } from './lifecycle.ts'
import { LifecycleError, type Subject } from './subscription.ts'

const uuid = Type.String({ format: 'uuid' })
const strict = { additionalProperties: false } as const

/** Whose: the id of an organisation, or of an account. */
const subjectFields = { organisation: Type.Optional(uuid), account: Type.Optional(uuid) }

const DATA = {
  'subscription.updated': Type.Object({ ...subjectFields, ...termsFields }, strict),
  'subscription.charged_back': Type.Object(subjectFields, strict),
  'subscription.refunded': Type.Object({ id: uuid }, strict),
} as const
type EventType = keyof typeof DATA

const envelope = Type.Object(
  {
    type: Type.Union(Object.keys(DATA).map((type) => Type.Literal(type as EventType))),
    timestamp: Type.String({ format: 'date-time' }),
    data: Type.Object({}),
  },
  strict,
)

export type BillingEvent = {
  /** When it happened, by the clock of the billing system. */
  readonly [T in EventType]: {
    readonly type: T
    readonly timestamp: string
    readonly data: Static<(typeof DATA)[T]>
  }
}[EventType]

export type Findings = readonly { readonly pointer: string; readonly detail: string }[]

/** The event, or where its form is wrong. */
export function readBillingEvent(body: Buffer): BillingEvent | Findings {
  const json = parseJson(body)
  const wrong = violations(envelope, json)
  if (wrong.length > 0) return wrong
  const { type, timestamp, data } = json as { type: EventType; timestamp: string; data: object }
  const inside = violations(DATA[type], data)
  if (inside.length > 0)
    return inside.map(({ pointer, detail }) => ({ pointer: `#/data${pointer.slice(1)}`, detail }))
  const event = { type, timestamp, data } as BillingEvent
  if (event.type === 'subscription.refunded' || subjectOf(event.data) !== undefined) return event
  return [{ pointer: '#/data', detail: 'must name an organisation or an account, and not both' }]
}

/** Throws LifecycleErrors, SUBSCRIPTION_UNKNOWN also for an organisation or account that is none. */
export async function doBillingEvent(
  { accounts, lifecycle }: { accounts: AccountsDomain; lifecycle: Lifecycle },
  event: BillingEvent,
): Promise<void> {
  if (event.type === 'subscription.refunded') {
    await lifecycle.refunded(event.data.id)
    return
  }
  const subject = subjectOf(event.data)
  if (subject === undefined || !(await exists(accounts, subject)))
    throw new LifecycleError('SUBSCRIPTION_UNKNOWN')
  if (event.type === 'subscription.charged_back') await lifecycle.chargedBack(subject)
  else await lifecycle.billed(subject, readTerms(event.data), Date.parse(event.timestamp))
}

function subjectOf({
  organisation,
  account,
}: {
  organisation?: string
  account?: string
}): Subject | undefined {
  if ((organisation === undefined) === (account === undefined)) return undefined
  return account === undefined
    ? { kind: 'organisation', id: organisation ?? '' }
    : { kind: 'account', id: account }
}

async function exists(accounts: AccountsDomain, { kind, id }: Subject): Promise<boolean> {
  if (kind === 'organisation') return (await accounts.organisations.find(id)) !== undefined
  const account = await accounts.findById(id)
  return account !== undefined && account.state !== 'terminated'
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}
