/** How accounts look in the API. */
import { AccountError, SUSPENSION_REASON, type Account } from '@sealpost/accounts'
import { Type, type Static } from '@sealpost/http'
import { isBare, parseJid, type Jid } from '@sealpost/jid'

export const stateSchema = Type.Union([
  Type.Literal('active'),
  Type.Literal('suspended'),
  Type.Literal('terminated'),
])

const daySchema = Type.String({ format: 'date', description: 'A day in UTC' })

export const addressSchema = Type.String({
  minLength: 1,
  maxLength: 3071,
  description: 'Bare address (RFC 7622), user@domain',
})

export const passwordSchema = Type.String({ minLength: 1, maxLength: 1023 })

export const reasonSchema = Type.String({
  pattern: SUSPENSION_REASON.source,
  description: 'A code of your choice, not prose',
})

export const accountSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  jid: Type.String(),
  state: stateSchema,
  reason: Type.Optional(Type.String({ description: 'Why it is suspended' })),
  suspended_until: Type.Optional(
    Type.String({ format: 'date', description: 'The day from which it is active again by itself' }),
  ),
  terminates_on: Type.Optional(
    Type.String({ format: 'date', description: 'The end of the window in which its owner moves away' }),
  ),
  organisation: Type.Optional(Type.String({ format: 'uuid', description: 'To which it belongs' })),
  created_on: daySchema,
  last_used_on: Type.Optional(daySchema),
})

export const linkSchema = Type.Object(
  {
    url: Type.String({ format: 'uri', description: 'Works once' }),
    token: Type.String({ description: 'For POST /v1/invites/redeem' }),
    expires_at: Type.String({ format: 'date-time' }),
  },
  { description: 'A one-time link, shown only here' },
)

export const addressParams = Type.Object({ jid: addressSchema })

/** The bare JID of an account. Throws ACCOUNT_NAME_MALFORMED, JidError. */
export function parseAddress(text: string): Jid {
  const jid = parseJid(text)
  if (jid.local === '' || !isBare(jid)) throw new AccountError('ACCOUNT_NAME_MALFORMED')
  return jid
}

/** An account as the API shows it. */
export function showAccount({
  id,
  jid,
  state,
  reason,
  suspendedUntil,
  terminatesOn,
  organisationId,
  createdOn,
  lastUsedOn,
}: Account): Static<typeof accountSchema> {
  return {
    id,
    jid: jid.toString(),
    state,
    ...(reason === undefined ? {} : { reason }),
    ...(suspendedUntil === undefined ? {} : { suspended_until: suspendedUntil }),
    ...(terminatesOn === undefined ? {} : { terminates_on: terminatesOn }),
    ...(organisationId === undefined ? {} : { organisation: organisationId }),
    created_on: createdOn,
    ...(lastUsedOn === undefined ? {} : { last_used_on: lastUsedOn }),
  }
}

/** A link as the API shows it; `expiresAt` in milliseconds since the epoch. */
export function showLink(url: string, token: string, expiresAt: number): Static<typeof linkSchema> {
  return { url, token, expires_at: new Date(expiresAt).toISOString() }
}

/** For a terminal. */
export function printAccount(account: Static<typeof accountSchema>): string {
  const { suspended_until: until, terminates_on: end } = account
  const why = [account.reason, ...(until === undefined ? [] : [`until ${until}`])].filter(Boolean).join(', ')
  const ends = end === undefined ? '' : `, ends ${end}`
  const state = `${account.state}${why === '' ? '' : ` (${why})`}${ends}`
  const used = account.last_used_on === undefined ? 'never used' : `last used ${account.last_used_on}`
  return `${account.jid}  ${state}  created ${account.created_on}  ${used}`
}
