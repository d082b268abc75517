/** Invites to make an account of one's own: a link that works a number of times, for a while. Tokens are the caller's; only their SHA-256 is kept. */
import type { Clock, Random } from '@sealpost/runtime'
import type { ScramVerifier } from '@sealpost/sasl'
import { type Jid, tryParseJid } from '@sealpost/jid'
import { hashToken, TOKEN_PATTERN } from './access.ts'
import { AccountError, toAccount, type Account, type Page } from './account.ts'
import { checkVerifiers } from './credentials.ts'
import { dayOf } from './day.ts'
import { makeName } from './made-names.ts'
import { OrganisationError } from './organisation.ts'
import { isReservedName } from './reserved-names.ts'
import type { AccountRow, InsertResult, Name, NewAccount } from './store.ts'

export interface AccountInvite {
  readonly id: string
  /** Where accounts will be. */
  readonly domain: string
  /** The name of the one account; undefined: whoever comes chooses, or is given one. */
  readonly localpart: string | undefined
  /** What accounts will have; undefined: the default. */
  readonly plan: string | undefined
  /** To which accounts will belong; undefined: the server only. */
  readonly organisationId: string | undefined
  /** 1 to ACCOUNT_INVITE_USES_MAX. */
  readonly uses: number
  /** Of these, used already. */
  readonly used: number
  readonly createdOn: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type NewAccountInvite = Omit<AccountInvite, 'used' | 'createdOn'>

export const ACCOUNT_INVITE_USES_MAX = 1000

export interface AccountInviteQuery {
  /** Id of the last one of the page before. */
  readonly after?: string | undefined
  readonly limit: number
  /** Undefined: whosever they are. */
  readonly organisationIds?: readonly string[] | undefined
}

/** Retention: until used up, revoked or expired. One contract: account-invites.test.ts. */
export interface AccountInviteStore {
  /** Drops those that expired before `now`. `full`: there are `max` of the same organisation, or of none. */
  insert(
    invite: AccountInvite,
    tokenHash: Buffer,
    max: number,
    now: number,
  ): Promise<'inserted' | 'full' | 'plan-unknown' | 'organisation-unknown'>
  byToken(tokenHash: Buffer, now: number): Promise<AccountInvite | undefined>
  byId(id: string, now: number): Promise<AccountInvite | undefined>
  /** Those that are open, of these organisations if any are given, by id, beginning after one. */
  list(query: AccountInviteQuery & { readonly now: number }): Promise<AccountInvite[]>
  remove(id: string): Promise<boolean>
  /** Uses it once and makes the account with its plan, or neither. Of many at once no more win than it has uses. */
  register(
    tokenHash: Buffer,
    now: number,
    account: NewAccount,
    today: string,
  ): Promise<AccountRow | Exclude<InsertResult, 'created'> | 'gone'>
}

/** Refusals are AccountErrors. */
export interface AccountInvites {
  /**
   * Throws ACCOUNT_INVITE_MALFORMED, INVITE_LIMIT, PLAN_UNKNOWN, ORGANISATION_UNKNOWN (OrganisationError), and, for a fixed name, what `Accounts.create` throws.
   */
  create(wanted: NewAccountInvite, token: string): Promise<AccountInvite>
  /** Undefined when it is unknown, used up or expired, as everywhere below. */
  show(token: string): Promise<AccountInvite | undefined>
  find(id: string): Promise<AccountInvite | undefined>
  /** In no order that means anything; `after` is the cursor, `limit` 1 to 200. Throws CURSOR_MALFORMED. */
  list(query: AccountInviteQuery): Promise<Page<AccountInvite>>
  revoke(id: string): Promise<boolean>
  /**
   * Makes the account: of the invite's name, or of `name`, or of letters that mean nothing. Throws VERIFIERS_INCOMPLETE, ACCOUNT_NAME_MALFORMED,
   * ACCOUNT_NAME_RESERVED, ACCOUNT_EXISTS, ACCOUNT_NAME_RETIRED; ORGANISATION_SUSPENDED, POOL_EXCEEDED (OrganisationError).
   */
  register(
    token: string,
    name: string | undefined,
    verifiers: readonly ScramVerifier[],
  ): Promise<Account | undefined>
}

const INVITES_MAX = 10_000
const INVITES_OF_ORGANISATION_MAX = 1_000
const PAGE_MAX = 200
/** A made name that somebody has is so rare that two in a row mean something else. */
const MADE_NAMES_TRIED = 3
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/

export interface AccountInvitesParts {
  readonly store: AccountInviteStore
  readonly taken: (name: Name) => Promise<boolean>
  readonly clock: Clock
  readonly random: Random
}

export function createAccountInvites(parts: AccountInvitesParts): AccountInvites {
  const { store, clock, random } = parts
  const show = async (token: string) =>
    TOKEN_PATTERN.test(token) ? await store.byToken(hashToken(token), clock.now()) : undefined
  return {
    async create(wanted, token) {
      const usable =
        Number.isInteger(wanted.uses) && wanted.uses >= 1 && wanted.uses <= ACCOUNT_INVITE_USES_MAX
      const fixed = wanted.localpart === undefined || wanted.uses === 1
      if (!usable || !fixed || !TOKEN_PATTERN.test(token)) throw new AccountError('ACCOUNT_INVITE_MALFORMED')
      const { domain, localpart } = wanted
      if (localpart !== undefined) {
        if (readName(localpart, domain).local !== localpart) throw new AccountError('ACCOUNT_NAME_MALFORMED')
        if (await parts.taken({ domain, localpart })) throw new AccountError('ACCOUNT_EXISTS')
      }
      const invite = { ...wanted, used: 0, createdOn: dayOf(clock.now()) }
      const max = wanted.organisationId === undefined ? INVITES_MAX : INVITES_OF_ORGANISATION_MAX
      const result = await store.insert(invite, hashToken(token), max, clock.now())
      if (result === 'full') throw new AccountError('INVITE_LIMIT')
      if (result === 'plan-unknown') throw new AccountError('PLAN_UNKNOWN')
      if (result === 'organisation-unknown') throw new OrganisationError('ORGANISATION_UNKNOWN')
      return invite
    },

    show,
    find: (id) => store.byId(id, clock.now()),
    revoke: (id) => store.remove(id),

    async list({ after, limit, organisationIds }) {
      if (after !== undefined && !UUID.test(after)) throw new AccountError('CURSOR_MALFORMED')
      const size = Math.min(Math.max(limit, 1), PAGE_MAX)
      const rows = await store.list({ after, limit: size + 1, organisationIds, now: clock.now() })
      const items = rows.slice(0, size)
      return { items, next: rows.length > size ? items.at(-1)?.id : undefined }
    },

    async register(token, name, verifiers) {
      checkVerifiers(verifiers)
      const invite = await show(token)
      if (invite === undefined) return undefined
      const wanted = invite.localpart ?? name
      const tries = wanted === undefined ? MADE_NAMES_TRIED : 1
      for (let tried = 1; ; tried++) {
        const jid = readName(wanted ?? makeName(random), invite.domain)
        const { organisationId } = invite
        const { domain, local: localpart } = jid
        const account = { id: random.uuid(), domain, localpart, organisationId, verifiers }
        const result = await store.register(hashToken(token), clock.now(), account, dayOf(clock.now()))
        if (result === 'gone') return undefined
        if (typeof result === 'object') return toAccount(result)
        if (tried === tries)
          throw new AccountError(result === 'exists' ? 'ACCOUNT_EXISTS' : 'ACCOUNT_NAME_RETIRED')
      }
    },
  }
}

/** The address of a name that somebody may have. */
function readName(name: string, domain: string): Jid {
  const jid = parseName(name, domain)
  if (jid === undefined) throw new AccountError('ACCOUNT_NAME_MALFORMED')
  if (isReservedName(jid.local)) throw new AccountError('ACCOUNT_NAME_RESERVED')
  return jid
}

function parseName(name: string, domain: string): Jid | undefined {
  if (name === '' || /[@/]/.test(name)) return undefined
  return tryParseJid(`${name}@${domain}`)
}
