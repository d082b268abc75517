/** API keys and one-time invites. Tokens are 256 random bits, handed out once; only their SHA-256 is kept. */
import { createHash } from 'node:crypto'
import type { Clock, Random } from '@sealpost/runtime'
import type { ScramVerifier } from '@sealpost/sasl'
import { AccountError } from './account.ts'
import { checkVerifiers } from './credentials.ts'
import { dayOf } from './day.ts'
import type {
  AccessStore,
  ApiKeyRow,
  Appointment,
  InvitePurpose,
  InviteRow,
  PasswordChange,
} from './store.ts'

/** A key of the API; dates are days in UTC. `*` among the scopes is an administrator. */
export type ApiKey = ApiKeyRow

export interface NewApiKey {
  readonly label: string
  readonly scopes: readonly string[]
  /** Last day on which it works; undefined: until revoked. */
  readonly expiresOn: string | undefined
  readonly organisationId?: string | undefined
  readonly networks?: readonly string[]
  readonly madeBy?: string | undefined
}

export interface ApiKeys {
  /** The token is answered here and never again. At most 500 keys of the server exist, and 50 of each organisation (API_KEY_LIMIT). */
  create(key: NewApiKey): Promise<{ key: ApiKey; token: string }>
  /** Undefined for an unknown, revoked or expired token. */
  authenticate(token: string): Promise<ApiKey | undefined>
  list(): Promise<ApiKey[]>
  find(id: string): Promise<ApiKey | undefined>
  revoke(id: string): Promise<boolean>
  /** All of an organisation. */
  revokeOf(organisationId: string): Promise<void>
  /** All that an administrator made, or keys of theirs. */
  revokeMadeBy(administratorId: string): Promise<void>
}

/** `accountId` is set exactly for the purpose `password`; `expiresAt` in milliseconds since the epoch. */
export type Invite = Omit<InviteRow, 'tokenHash'>

export interface Invites {
  /**
   * For an administrator: valid for two days. At most 20 of the server, and of each organisation, are open at a time (INVITE_LIMIT). One for somebody who
   * enrols anew replaces the one before, and is not counted: nobody keeps the host from helping them.
   */
  createAdmin(appointment: Appointment): Promise<{ invite: Invite; token: string }>
  /** As createAdmin for an owner, but only while there is neither a key with all scopes nor an open invite of an owner; of many callers one wins. */
  createFirstAdmin(): Promise<{ invite: Invite; token: string } | undefined>
  /** For the owner of an account to choose a password: valid for 14 days, replaces the one before. */
  createPassword(accountId: string): Promise<{ invite: Invite; token: string }>
  /** What an open invite is for; undefined when unknown, used or expired. Does not use it. */
  show(token: string): Promise<Invite | undefined>
  /** Uses an administrator's invite for a key with the scopes of its role; undefined when it is gone, or for somebody who enrols anew. */
  redeemAdmin(
    token: string,
    label: string,
    scopesOf: (role: string) => readonly string[],
  ): Promise<{ key: ApiKey; token: string } | undefined>
  /** Uses an administrator's invite; undefined when it is gone. Of many at once one gets it. */
  takeAdmin(token: string): Promise<Invite | undefined>
  /** As if it had not been used. */
  putBack(token: string, invite: Invite): Promise<void>
  /** Uses a password invite; the account's id, or undefined when it is gone. Throws VERIFIERS_INCOMPLETE. */
  redeemPassword(
    token: string,
    verifiers: readonly ScramVerifier[],
    change?: PasswordChange,
  ): Promise<string | undefined>
}

const TOKEN_BYTES = 32
export const TOKEN_PATTERN = /^(?:sp_)?[A-Za-z0-9_-]{43}$/
const KEYS_MAX = 500
const KEYS_OF_ORGANISATION_MAX = 50
const KEY_PRUNE_DAYS = 30
const ADMIN_INVITES_MAX = 20
const HOUR_MS = 3_600_000
const INVITE_TTL_MS = { admin: 48 * HOUR_MS, password: 14 * 24 * HOUR_MS } as const satisfies Record<
  InvitePurpose,
  number
>

interface Parts {
  readonly store: AccessStore
  readonly clock: Clock
  readonly random: Random
}

export function createApiKeys({ store, clock, random }: Parts): ApiKeys {
  return {
    async create(wanted) {
      const { key, token } = mintKey(wanted, clock, random)
      const pruneBefore = dayOf(clock.now(), -KEY_PRUNE_DAYS)
      const max = key.organisationId === undefined ? KEYS_MAX : KEYS_OF_ORGANISATION_MAX
      const stored = await store.insertKey(key, hashToken(token), max, pruneBefore)
      if (!stored) throw new AccountError('API_KEY_LIMIT')
      return { key, token }
    },

    async authenticate(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const key = await store.keyByToken(hashToken(token))
      const today = dayOf(clock.now())
      if (key === undefined || (key.expiresOn !== undefined && key.expiresOn < today)) return undefined
      if (key.lastUsedOn !== today) await store.recordKeyUse(key.id, today)
      return key
    },

    list: () => store.keys(),
    find: async (id) => (await store.keys()).find((key) => key.id === id),
    revoke: (id) => store.deleteKey(id),
    revokeOf: (organisationId) => store.deleteKeysOf(organisationId),
    revokeMadeBy: (administratorId) => store.deleteKeysMadeBy(administratorId),
  }
}

export function createInvites({ store, clock, random }: Parts): Invites {
  const mint = (purpose: InvitePurpose, of: Partial<Pick<InviteRow, 'accountId' | 'appointment'>>) => {
    const token = random.token(TOKEN_BYTES)
    const invite = {
      purpose,
      accountId: of.accountId,
      appointment: of.appointment,
      expiresAt: clock.now() + INVITE_TTL_MS[purpose],
    }
    return { token, invite, row: { ...invite, tokenHash: hashToken(token) } }
  }
  const insert = async (...wanted: Parameters<typeof mint>) => {
    const { token, invite, row } = mint(...wanted)
    if (!(await store.insertInvite(row, ADMIN_INVITES_MAX, clock.now())))
      throw new AccountError('INVITE_LIMIT')
    return { invite, token }
  }
  return {
    createAdmin: (appointment) => insert('admin', { appointment }),
    createPassword: (accountId) => insert('password', { accountId }),

    async createFirstAdmin() {
      const appointment = { role: 'owner', organisationId: undefined, administratorId: undefined }
      const { token, invite, row } = mint('admin', { appointment })
      const stored = await store.insertFirstInvite(row, clock.now(), dayOf(clock.now()))
      return stored ? { invite, token } : undefined
    },

    async show(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      return withoutHash(await store.invite(hashToken(token), clock.now()))
    },

    async redeemAdmin(token, label, scopesOf) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const keyToken = mintToken(random)
      const make = ({ role, organisationId, invitedBy: madeBy }: Appointment) =>
        makeKey(
          { label, scopes: scopesOf(role), expiresOn: undefined, organisationId, madeBy },
          clock,
          random,
        )
      const key = await store.redeemForKey(hashToken(token), clock.now(), make, hashToken(keyToken))
      return key && { key, token: keyToken }
    },

    async takeAdmin(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      return withoutHash(await store.takeAdminInvite(hashToken(token), clock.now()))
    },

    async putBack(token, invite) {
      await store.insertInvite({ ...invite, tokenHash: hashToken(token) }, 2 * ADMIN_INVITES_MAX, clock.now())
    },

    async redeemPassword(token, verifiers, change) {
      checkVerifiers(verifiers)
      if (!TOKEN_PATTERN.test(token)) return undefined
      return store.redeemForVerifiers(hashToken(token), clock.now(), verifiers, change)
    },
  }
}

function withoutHash(row: InviteRow | undefined): Invite | undefined {
  if (row === undefined) return undefined
  const { tokenHash: _, ...invite } = row
  return invite
}

function mintKey(wanted: NewApiKey, clock: Clock, random: Random): { key: ApiKey; token: string } {
  return { key: makeKey(wanted, clock, random), token: mintToken(random) }
}

/** The prefix lets scanners of repositories and logs recognise a leaked key. */
function mintToken(random: Random): string {
  return `sp_${random.token(TOKEN_BYTES)}`
}

function makeKey(wanted: NewApiKey, clock: Clock, random: Random): ApiKey {
  const { label, scopes, expiresOn, organisationId, networks = [], madeBy } = wanted
  const made = { id: random.uuid(), createdOn: dayOf(clock.now()), lastUsedOn: undefined }
  return { ...made, label, scopes, expiresOn, organisationId, networks, madeBy }
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
