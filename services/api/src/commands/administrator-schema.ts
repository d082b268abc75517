/** How administrators and their sessions look in the API. */
import { Type, type Static } from '@sealpost/http'
import { ROLES, type Role } from '../access/roles.ts'
import type { AdministratorRow, ListedAdministrator } from '../access/store.ts'
import type { Administrator, CommandContext } from './command.ts'
import { modulesOf, modulesSchema } from './modules.ts'

const daySchema = Type.String({ format: 'date', description: 'A day in UTC' })

export const idParams = Type.Object({ id: Type.String({ format: 'uuid' }) })

export const roleSchema = Type.Unsafe<Role>(
  Type.Union(
    ROLES.map((role) => Type.Literal(role)),
    { description: 'owner, admin, support, auditor: of the server; org_admin, reseller: of an organisation' },
  ),
)

export const nameSchema = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'What colleagues see; chosen by the person, and with which they sign in without a passkey',
})

export const passkeyNameSchema = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Of a passkey, for its owner',
})

export const tokenSchema = Type.String({ minLength: 1, maxLength: 128, description: 'Of the link' })

export const codeSchema = Type.String({ pattern: '^[0-9]{6}$', description: 'One-time password (RFC 6238)' })

export const ticketSchema = Type.String({ minLength: 1, maxLength: 256, pattern: '^[A-Za-z0-9_-]+$' })

export const setupSchema = Type.Object(
  {
    secret: Type.String({ description: 'base32, for typing' }),
    uri: Type.String({ description: 'otpauth://totp/…, for a QR code' }),
    ticket: Type.String({ description: 'To be sent back with the first code, within ten minutes' }),
  },
  { description: 'For an authenticator app' },
)

export const recoveryCodesSchema = Type.Array(Type.String(), {
  description: 'Ten; each works once, and they are shown only here',
})

export const administratorSchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  name: Type.String(),
  role: roleSchema,
  organisation: Type.Optional(Type.String({ format: 'uuid' })),
  created_on: daySchema,
  last_used_on: Type.Optional(daySchema),
})

export function showAdministrator(row: AdministratorRow): Static<typeof administratorSchema> {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    ...(row.organisationId === undefined ? {} : { organisation: row.organisationId }),
    created_on: row.createdOn,
    ...(row.lastUsedOn === undefined ? {} : { last_used_on: row.lastUsedOn }),
  }
}

export const listedSchema = Type.Object({
  ...administratorSchema.properties,
  passkeys: Type.Integer({ description: 'How many they have; two are encouraged' }),
  totp: Type.Boolean({ description: 'Whether they have one-time passwords' }),
})

export function showListed(row: ListedAdministrator): Static<typeof listedSchema> {
  return { ...showAdministrator(row), passkeys: row.passkeys, totp: row.totp }
}

export const sessionSchema = Type.Object({
  administrator: Type.Object({
    id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    role: roleSchema,
    organisation: Type.Optional(Type.String({ format: 'uuid' })),
    permissions: Type.Array(Type.String(), { description: 'Scopes; * is all' }),
  }),
  modules: modulesSchema,
  csrf: Type.String({ description: 'To be sent as X-CSRF-Token with each request that changes something' }),
  proved_until: Type.Optional(
    Type.String({ format: 'date-time', description: 'Until when destructive commands are allowed' }),
  ),
})

export function showSession(
  context: Pick<CommandContext, 'affiliates' | 'phones'>,
  who: Pick<Administrator, 'id' | 'name' | 'role' | 'organisationId' | 'scopes' | 'provedUntil'>,
  csrf: string,
): Static<typeof sessionSchema> {
  const { id, name, role, organisationId, scopes, provedUntil } = who
  const organisation = organisationId === undefined ? {} : { organisation: organisationId }
  return {
    administrator: { id, name, role, ...organisation, permissions: [...scopes] },
    modules: modulesOf(context),
    csrf,
    ...(provedUntil === undefined ? {} : { proved_until: new Date(provedUntil).toISOString() }),
  }
}
