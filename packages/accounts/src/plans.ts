/** Plans: named limits of mail, uploads and sessions. Which account has which is up to administrators; an account without one has what the server is set to. */
import type { Jid } from '@sealpost/jid'
import { AccountError } from './account.ts'
import type { AccountStore } from './store.ts'

/** Every limit that a plan may have, by its name in JSON: bounds, and what it means. */
export const PLAN_LIMITS = {
  recipients_per_message: { min: 1, max: 100, meaning: 'Recipients of one mail' },
  messages_per_hour: { min: 0, max: 1_000_000, meaning: 'Mails in an hour' },
  messages_per_day: { min: 0, max: 1_000_000, meaning: 'Mails in a day' },
  recipients_per_hour: { min: 0, max: 1_000_000, meaning: 'Recipients of all mails in an hour' },
  recipients_per_day: { min: 0, max: 1_000_000, meaning: 'Recipients of all mails in a day' },
  new_recipients_per_day: {
    min: 0,
    max: 1_000_000,
    meaning: 'Of these, addresses not written to in half a year',
  },
  new_recipients_per_message: {
    min: 0,
    max: 100,
    meaning: 'Of one mail, addresses not written to in half a year; to more only by a list',
  },
  list_mails_per_day: {
    min: 0,
    max: 10_000_000,
    meaning: 'Mails a day to members of lists who have confirmed',
  },
  mailbox_mib: { min: 1, max: 1_048_576, meaning: 'Size of the mailbox in MiB' },
  mailbox_days: { min: 1, max: 30, meaning: 'Days that a mail is kept in the mailbox' },
  upload_file_mib: { min: 1, max: 10_240, meaning: 'Size of one uploaded file in MiB' },
  upload_space_mib: { min: 1, max: 1_048_576, meaning: 'Size of all uploaded files together in MiB' },
  uploads_per_hour: { min: 1, max: 100_000, meaning: 'Files uploaded in an hour' },
  upload_days: { min: 1, max: 90, meaning: 'Days that an uploaded file is kept' },
  session_rest_minutes: {
    min: 1,
    max: 10_080,
    meaning: 'Minutes at rest after which a session on the account page is over',
  },
  session_hours: { min: 1, max: 720, meaning: 'Hours after which a session on the account page is over' },
} as const

export type PlanLimit = keyof typeof PLAN_LIMITS
/** What is absent is as the server is set. */
export type PlanLimits = Readonly<Partial<Record<PlanLimit, number>>>

/** The name of having no plan. */
export const DEFAULT_PLAN = 'default'

export interface Plan {
  readonly name: string
  readonly limits: PlanLimits
}

export interface PlanStore {
  /** By name, with how many accounts have it. */
  list(): Promise<readonly (Plan & { readonly accounts: number })[]>
  /** Adds or replaces; false when it would be new and there are `max` already. */
  put(plan: Plan, max: number): Promise<boolean>
  /** `used`: accounts have it. */
  remove(name: string): Promise<'removed' | 'unknown' | 'used'>
  /** Undefined: none. */
  of(accountId: string): Promise<Plan | undefined>
  /** Of many accounts, by id; those without one are not in it. */
  namesOf(accountIds: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Undefined takes it away. False when there is no such account or plan. */
  assign(accountId: string, name: string | undefined): Promise<boolean>
}

/** Refusals are AccountErrors. */
export interface Plans {
  list: PlanStore['list']
  namesOf: PlanStore['namesOf']
  /** Adds or replaces a plan; in force at once. Throws PLAN_NAME_MALFORMED, PLAN_MALFORMED, PLAN_LIMIT. */
  set(name: string, limits: unknown): Promise<Plan>
  /** Throws PLAN_UNKNOWN, PLAN_IN_USE. */
  remove(name: string): Promise<void>
  /** The plan of an account, DEFAULT_PLAN without limits if it has none. One indexed query. */
  of(accountId: string): Promise<Plan>
  /** Throws ACCOUNT_UNKNOWN, PLAN_UNKNOWN. */
  assign(jid: Jid, name: string): Promise<void>
}

const NAME = /^[a-z][a-z0-9_-]{0,31}$/
const PLANS_MAX = 100

export interface PlansParts {
  readonly store: PlanStore
  readonly accounts: Pick<AccountStore, 'find'>
}

export function createPlans({ store, accounts }: PlansParts): Plans {
  return {
    list: () => store.list(),
    namesOf: (accountIds) => store.namesOf(accountIds),
    async set(name, limits) {
      if (!NAME.test(name) || name === DEFAULT_PLAN) throw new AccountError('PLAN_NAME_MALFORMED')
      const plan = { name, limits: parsePlanLimits(limits) }
      if (!(await store.put(plan, PLANS_MAX))) throw new AccountError('PLAN_LIMIT')
      return plan
    },
    async remove(name) {
      const result = await store.remove(name)
      if (result === 'unknown') throw new AccountError('PLAN_UNKNOWN')
      if (result === 'used') throw new AccountError('PLAN_IN_USE')
    },
    of: async (accountId) => (await store.of(accountId)) ?? { name: DEFAULT_PLAN, limits: {} },
    async assign({ domain, local }, name) {
      const row = await accounts.find({ domain, localpart: local })
      if (row === undefined) throw new AccountError('ACCOUNT_UNKNOWN')
      if (!(await store.assign(row.id, name === DEFAULT_PLAN ? undefined : name)))
        throw new AccountError('PLAN_UNKNOWN')
    },
  }
}

/** Nothing but known limits within their bounds. Throws PLAN_MALFORMED. */
export function parsePlanLimits(json: unknown): PlanLimits {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new AccountError('PLAN_MALFORMED')
  const limits: Partial<Record<PlanLimit, number>> = {}
  for (const [name, value] of Object.entries(json)) {
    if (!isLimit(name) || !isWithin(value, PLAN_LIMITS[name])) throw new AccountError('PLAN_MALFORMED')
    limits[name] = value
  }
  return limits
}

function isLimit(name: string): name is PlanLimit {
  return Object.hasOwn(PLAN_LIMITS, name)
}

function isWithin(value: unknown, { min, max }: { min: number; max: number }): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
}
