/** What each role of an administrator may do. Deny by default: a scope that is not named here is nobody's but the owner's. */
import { ALL_SCOPES, type Scope } from '../commands/scopes.ts'

/**
 * Of the server: `owner` (all), `admin` (all but who administers, and what needs the host), `support`, `auditor` (reads). Of an organisation: `org_admin`;
 * `reseller`, who also makes organisations below the own one.
 */
export const SERVER_ROLES = ['owner', 'admin', 'support', 'auditor'] as const
export const ORGANISATION_ROLES = ['org_admin', 'reseller'] as const
export const ROLES = [...SERVER_ROLES, ...ORGANISATION_ROLES] as const
export type Role = (typeof ROLES)[number]

const READS = [
  'abuse:read',
  'accounts:read',
  'admins:read',
  'affiliates:read',
  'apikeys:read',
  'approvals:read',
  'audit:read',
  'billing:read',
  'crashes:read',
  'desk:read',
  'devices:read',
  'domains:read',
  'invites:read',
  'keys:read',
  'legal:read',
  'mail:read',
  'organisations:read',
  'plans:read',
  'policies:read',
  'privacy:read',
  'statistics:read',
  'status:read',
  'webhooks:read',
] as const satisfies readonly Scope[]

const OF_AN_ORGANISATION = [
  'accounts:read',
  'accounts:suspend',
  'accounts:terminate',
  'accounts:write',
  'admins:read',
  'admins:write',
  'apikeys:read',
  'apikeys:write',
  'approvals:read',
  'approvals:write',
  'audit:read',
  'billing:read',
  'credits:write',
  'devices:read',
  'devices:write',
  'invites:read',
  'invites:write',
  'mail:read',
  'mail:write',
  'organisations:read',
  'plans:read',
  'statistics:read',
  'status:read',
] as const satisfies readonly Scope[]

export const SCOPES_OF_ROLE: Readonly<Record<Role, readonly (Scope | typeof ALL_SCOPES)[]>> = {
  owner: [ALL_SCOPES],
  admin: [
    ...READS,
    'abuse:write',
    'accounts:suspend',
    'accounts:terminate',
    'accounts:write',
    'affiliates:write',
    'apikeys:write',
    'approvals:write',
    'billing:write',
    'credits:write',
    'desk:write',
    'devices:write',
    'domains:write',
    'invites:write',
    'keys:write',
    'legal:write',
    'mail:write',
    'organisations:write',
    'plans:write',
    'policies:write',
    'privacy:write',
    'status:write',
    'webhooks:write',
  ],
  support: [
    'abuse:read',
    'abuse:write',
    'accounts:read',
    'desk:read',
    'desk:write',
    'devices:read',
    'devices:write',
    'invites:read',
    'invites:write',
    'mail:read',
    'organisations:read',
    'plans:read',
    'privacy:read',
    'statistics:read',
    'status:read',
  ],
  auditor: READS,
  org_admin: OF_AN_ORGANISATION,
  reseller: [...OF_AN_ORGANISATION, 'organisations:write'],
}

/** None for a word that is no role. */
export function scopesOfRole(role: string): readonly string[] {
  return isRole(role) ? SCOPES_OF_ROLE[role] : []
}

export function isRole(text: string): text is Role {
  return ROLES.some((role) => role === text)
}

export function isOfOrganisation(role: Role): boolean {
  return ORGANISATION_ROLES.some((each) => each === role)
}
