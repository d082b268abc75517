/** Claims of credit for a month in which a component kept less than was promised: filed within seven days of its end, decided once. */
import { dayOf } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { mayClaim, monthOf } from './agreement.ts'
import type { Availability } from './availability.ts'
import type { Component } from './component.ts'
import { StatusError } from './status-error.ts'

export const CLAIM_STATES = ['open', 'granted', 'refused'] as const
export type ClaimState = (typeof CLAIM_STATES)[number]

/** Who claims, by id. */
export interface ClaimSubject {
  readonly kind: 'account' | 'organisation'
  readonly id: string
}

export interface Claim {
  readonly id: string
  readonly subject: ClaimSubject
  /** YYYY-MM. */
  readonly month: string
  readonly component: Component
  /** Days, UTC. */
  readonly filedOn: string
  readonly decidedOn: string | undefined
  readonly state: ClaimState
  /** Tenths of a percent of the month's fee, once granted. */
  readonly credit: number | undefined
}

export interface ClaimQuery {
  readonly state: ClaimState | undefined
  readonly subjectId: string | undefined
  /** The last of the page before. */
  readonly after: { readonly filedOn: string; readonly id: string } | undefined
  readonly limit: number
}

/** Retention: with the account, or three years after the decision. One contract: claim-store.test.ts. */
export interface ClaimStore {
  /** False: there is one of that subject for that month and component. */
  insert(claim: Claim): Promise<boolean>
  find(id: string): Promise<Claim | undefined>
  /** By the day they were filed, then by id. */
  list(query: ClaimQuery): Promise<Claim[]>
  /** False: it is not open. */
  decide(id: string, state: 'granted' | 'refused', credit: number | undefined, day: string): Promise<boolean>
  /** Of an account or organisation. */
  erase(subjectId: string): Promise<void>
  /** Those that were decided before the day. */
  eraseDecided(before: string): Promise<void>
}

export interface Claims {
  /** Throws MONTH_AHEAD, CLAIM_LATE, CLAIM_EXISTS. */
  file(claim: { subject: ClaimSubject; month: string; component: Component }): Promise<Claim>
  /** Grants what the agreement says, or refuses. Throws CLAIM_UNKNOWN, CLAIM_DECIDED, MONTH_RUNNING. */
  decide(id: string, granted: boolean): Promise<Claim>
  list(query: ClaimQuery): Promise<Claim[]>
  /** Of an account that is erased, of an organisation that is removed. */
  eraseAccount(id: string): Promise<void>
  eraseOrganisation(id: string): Promise<void>
  eraseOld(): Promise<void>
}

export interface ClaimsOptions {
  readonly store: ClaimStore
  readonly availability: Pick<Availability, 'month'>
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

const KEPT_DAYS = 3 * 366

export function createClaims({ store, availability, clock, random }: ClaimsOptions): Claims {
  return {
    list: (query) => store.list(query),
    eraseAccount: (id) => store.erase(id),
    eraseOrganisation: (id) => store.erase(id),
    eraseOld: () => store.eraseDecided(dayOf(clock.now(), -KEPT_DAYS)),
    async file({ subject, month, component }) {
      const now = clock.now()
      const timely = mayClaim(monthOf(month), now)
      if (timely !== 'yes') throw new StatusError(timely === 'late' ? 'CLAIM_LATE' : 'MONTH_AHEAD')
      const claim: Claim = {
        id: random.uuid(),
        subject,
        month,
        component,
        filedOn: dayOf(now),
        decidedOn: undefined,
        state: 'open',
        credit: undefined,
      }
      if (!(await store.insert(claim))) throw new StatusError('CLAIM_EXISTS')
      return claim
    },
    async decide(id, granted) {
      const claim = await store.find(id)
      if (claim === undefined) throw new StatusError('CLAIM_UNKNOWN')
      const month = monthOf(claim.month)
      if (granted && clock.now() < month.until) throw new StatusError('MONTH_RUNNING')
      const months = granted ? await availability.month(month) : []
      const owed = months.find(({ component }) => component === claim.component)?.credit ?? 0
      const decided = {
        state: granted ? 'granted' : 'refused',
        credit: granted ? owed : undefined,
        decidedOn: dayOf(clock.now()),
      } as const
      if (!(await store.decide(id, decided.state, decided.credit, decided.decidedOn)))
        throw new StatusError('CLAIM_DECIDED')
      return { ...claim, ...decided }
    },
  }
}
