/** API keys and one-time invites. Tokens are 256 random bits, handed out once; only their SHA-256 is kept. */
import { createHash } from 'node:crypto'
import type { Clock, Random } from '@sealpost/runtime'
import type { ScramVerifier } from '@sealpost/sasl'
import { AccountError } from './account.ts'
import { checkVerifiers } from './credentials.ts'
import { dayOf } from './day.ts'
import type { AccessStore, ApiKeyRow, InvitePurpose, InviteRow } from './store.ts'

/** A key of the API; dates are days in UTC. `*` among the scopes is an administrator. */
export type ApiKey = ApiKeyRow

export interface NewApiKey {
  readonly label: string
  readonly scopes: readonly string[]
  /** Last day on which it works; undefined: until revoked. */
  readonly expiresOn: string | undefined
}

export interface ApiKeys {
  /** The token is answered here and never again. At most 500 keys exist (API_KEY_LIMIT). */
  create(key: NewApiKey): Promise<{ key: ApiKey; token: string }>
  /** Undefined for an unknown, revoked or expired token. */
  authenticate(token: string): Promise<ApiKey | undefined>
  list(): Promise<ApiKey[]>
  revoke(id: string): Promise<boolean>
}

/** `accountId` is set exactly for the purpose `password`; `expiresAt` in milliseconds since the epoch. */
export type Invite = Omit<InviteRow, 'tokenHash'>

export interface Invites {
  /** For the next administrator: valid for two days. At most 20 are open at a time (INVITE_LIMIT). */
  createAdmin(): Promise<{ invite: Invite; token: string }>
  /** As createAdmin, but only while there is neither an administrator's key nor an open administrator's invite; of many callers one wins. */
  createFirstAdmin(): Promise<{ invite: Invite; token: string } | undefined>
  /** For the owner of an account to choose a password: valid for 14 days, replaces the one before. */
  createPassword(accountId: string): Promise<{ invite: Invite; token: string }>
  /** What an open invite is for; undefined when unknown, used or expired. Does not use it. */
  show(token: string): Promise<Invite | undefined>
  /** Uses an administrator's invite: a key with all scopes; undefined when it is gone. */
  redeemAdmin(token: string, label: string): Promise<{ key: ApiKey; token: string } | undefined>
  /** Uses a password invite; the account's id, or undefined when it is gone. Throws VERIFIERS_INCOMPLETE. */
  redeemPassword(token: string, verifiers: readonly ScramVerifier[]): Promise<string | undefined>
}

const TOKEN_BYTES = 32
export const TOKEN_PATTERN = /^(?:sp_)?[A-Za-z0-9_-]{43}$/
const KEYS_MAX = 500
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
      const stored = await store.insertKey(key, hashToken(token), KEYS_MAX, pruneBefore)
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
    revoke: (id) => store.deleteKey(id),
  }
}

export function createInvites({ store, clock, random }: Parts): Invites {
  const mint = (purpose: InvitePurpose, accountId?: string) => {
    const token = random.token(TOKEN_BYTES)
    const invite = { purpose, accountId, expiresAt: clock.now() + INVITE_TTL_MS[purpose] }
    return { token, invite, row: { ...invite, tokenHash: hashToken(token) } }
  }
  const insert = async (purpose: InvitePurpose, accountId?: string) => {
    const { token, invite, row } = mint(purpose, accountId)
    if (!(await store.insertInvite(row, ADMIN_INVITES_MAX, clock.now())))
      throw new AccountError('INVITE_LIMIT')
    return { invite, token }
  }
  return {
    createAdmin: () => insert('admin'),
    createPassword: (accountId) => insert('password', accountId),

    async createFirstAdmin() {
      const { token, invite, row } = mint('admin')
      const stored = await store.insertFirstInvite(row, clock.now(), dayOf(clock.now()))
      return stored ? { invite, token } : undefined
    },

    async show(token) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const row = await store.invite(hashToken(token), clock.now())
      return row && { purpose: row.purpose, accountId: row.accountId, expiresAt: row.expiresAt }
    },

    async redeemAdmin(token, label) {
      if (!TOKEN_PATTERN.test(token)) return undefined
      const minted = mintKey({ label, scopes: ['*'], expiresOn: undefined }, clock, random)
      const redeemed = await store.redeemForKey(
        hashToken(token),
        clock.now(),
        minted.key,
        hashToken(minted.token),
      )
      return redeemed ? minted : undefined
    },

    async redeemPassword(token, verifiers) {
      checkVerifiers(verifiers)
      if (!TOKEN_PATTERN.test(token)) return undefined
      return store.redeemForVerifiers(hashToken(token), clock.now(), verifiers)
    },
  }
}

/** The prefix lets scanners of repositories and logs recognise a leaked key. */
function mintKey(wanted: NewApiKey, clock: Clock, random: Random): { key: ApiKey; token: string } {
  const key = { ...wanted, id: random.uuid(), createdOn: dayOf(clock.now()), lastUsedOn: undefined }
  return { key, token: `sp_${random.token(TOKEN_BYTES)}` }
}

export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
