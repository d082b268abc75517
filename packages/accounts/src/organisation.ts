/** What an organisation is: a customer, or a reseller with organisations below it, under pools that bound what it and all below it use. */
import { OperationalError } from '@sealpost/errors'
import type { Telling } from './outbox.ts'

export const ORGANISATION_KINDS = ['customer', 'reseller'] as const
export type OrganisationKind = (typeof ORGANISATION_KINDS)[number]

/**
 * `accounts`, `mailbox_mib` (sizes of the mailboxes by the accounts' plans), `keys` (OpenPGP certificates published for accounts): how much there is.
 * `mails_per_day`: how much is done in a day (UTC).
 */
export const POOL_RESOURCES = ['accounts', 'mailbox_mib', 'mails_per_day', 'keys'] as const
export type PoolResource = (typeof POOL_RESOURCES)[number]
export const POOL_SIZE_MAX = 1_000_000_000

/** `used + given` never exceeds `size`; undefined: no bound but the server's. */
export interface Pool {
  readonly size: number | undefined
  /** By the organisation's own accounts; of `mails_per_day`: today. */
  readonly used: number
  /** To the organisations directly below. */
  readonly given: number
}

/** Undefined: no bound. What is absent stays as it is; of a new organisation it is 0 below a bound, and without a bound otherwise. */
export type PoolSizes = Readonly<Partial<Record<PoolResource, number | undefined>>>

/** How the pages of an organisation look; what is undefined is as above it. */
export interface Brand {
  readonly name: string | undefined
  /** Background of headers and buttons, and the text upon it: `#rrggbb`. */
  readonly colours: { readonly background: string; readonly text: string } | undefined
  /** Host of its pages, canonical. */
  readonly domain: string | undefined
  /** Where its people get help: an `https:` or `mailto:` URL. */
  readonly supportUrl: string | undefined
  readonly hasLogo: boolean
}

export interface Organisation {
  readonly id: string
  readonly name: string
  readonly kind: OrganisationKind
  readonly state: 'active' | 'suspended'
  /** Code given at suspension; undefined unless suspended. */
  readonly reason: string | undefined
  /** The organisation with which it was suspended: itself or one above. */
  readonly suspendedWith: string | undefined
  /** Undefined: directly below the server. */
  readonly parentId: string | undefined
  /** Ids from the one below the server to this one. */
  readonly path: readonly string[]
  /** A day in UTC. */
  readonly createdOn: string
  /** The day in UTC on which it, or one above it, ends with all that belongs to it; undefined: nobody asked for that. */
  readonly terminatesOn: string | undefined
  readonly brand: Brand
}

/** Who decides. */
export interface Deciding {
  /** The organisation within which they administer: what was decided above it stays (ORGANISATION_HELD, ACCOUNT_HELD). Undefined: the server. */
  readonly within?: string | undefined
}

/** Who changes a state, and what is told of it with the change. */
export interface StateChange extends Deciding, Telling {
  /** Only while this is the code of its suspension, null: while it is active. Else ACCOUNT_HELD, ORGANISATION_HELD. */
  readonly onlyWhile?: string | null | undefined
}

/** The code that is shown of suspensions which are the end of an organisation. */
export const ORGANISATION_END = 'terminated'

/** From the server down to the end users' own organisation: server → 4 levels. */
export const ORGANISATION_DEPTH_MAX = 4

const messages = {
  ORGANISATION_UNKNOWN: 'There is no such organisation',
  ORGANISATION_KIND: 'Only a reseller has organisations below it',
  ORGANISATION_DEPTH: 'There are at most four levels of organisations',
  ORGANISATION_SUSPENDED: 'The organisation is suspended',
  ORGANISATION_HELD: 'Whoever decided that stands above you, and alone may change it',
  ORGANISATION_ENDING: 'The organisation has come to its end',
  ORGANISATION_NOT_EMPTY: 'Something still belongs to the organisation',
  ORGANISATION_LIMIT: 'There are too many organisations',
  POOL_EXCEEDED: 'The organisation’s pool is used up, or smaller than what is in use',
  POOL_UNBOUNDED: 'Below a bounded pool every pool has a bound',
  BRAND_DOMAIN_TAKEN: 'Another organisation has its pages on that domain',
} as const

/** Why a request about an organisation was refused; `code` is stable. */
export type OrganisationErrorCode = keyof typeof messages

export class OrganisationError extends OperationalError {
  override readonly name = 'OrganisationError'
  declare readonly code: OrganisationErrorCode

  constructor(code: OrganisationErrorCode, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}
