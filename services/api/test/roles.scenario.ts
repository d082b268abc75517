/**
 * Every operation of the registry, asked by every role, by keys, by an account and by nobody. Who may is written down here by hand, for each scope; operations that
 * are added later are asked too.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROLES, type Role } from '../src/access/roles.ts'
import type { Command } from '../src/commands/command.ts'
import { commands } from '../src/commands/index.ts'
import { ALL_SCOPES, SCOPES, type Scope } from '../src/commands/scopes.ts'
import { appoint, organisation, ORIGIN, type TestAdministrator } from './administrator.ts'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'

const READERS: readonly Role[] = ['owner', 'admin', 'auditor']
const WRITERS: readonly Role[] = ['owner', 'admin']
const DESK: readonly Role[] = ['owner', 'admin', 'support']
const DESK_READERS: readonly Role[] = ['owner', 'admin', 'support', 'auditor']
const READERS_AND_CUSTOMERS: readonly Role[] = ['owner', 'admin', 'auditor', 'org_admin', 'reseller']
const WRITERS_AND_CUSTOMERS: readonly Role[] = ['owner', 'admin', 'org_admin', 'reseller']
const DESK_AND_CUSTOMERS: readonly Role[] = ['owner', 'admin', 'support', 'org_admin', 'reseller']
const ALL: readonly Role[] = ['owner', 'admin', 'support', 'auditor', 'org_admin', 'reseller']

const MAY: Readonly<Record<Scope, readonly Role[]>> = {
  'abuse:read': DESK_READERS,
  'abuse:write': DESK,
  'accounts:read': ALL,
  'accounts:suspend': WRITERS_AND_CUSTOMERS,
  'accounts:terminate': WRITERS_AND_CUSTOMERS,
  'accounts:write': WRITERS_AND_CUSTOMERS,
  'admins:read': READERS_AND_CUSTOMERS,
  'admins:write': ['owner', 'org_admin', 'reseller'],
  'affiliates:read': READERS,
  'affiliates:write': WRITERS,
  'apikeys:read': READERS_AND_CUSTOMERS,
  'apikeys:write': WRITERS_AND_CUSTOMERS,
  'approvals:read': READERS_AND_CUSTOMERS,
  'approvals:write': WRITERS_AND_CUSTOMERS,
  'audit:read': READERS_AND_CUSTOMERS,
  'billing:read': READERS_AND_CUSTOMERS,
  'billing:write': WRITERS,
  'crashes:read': READERS,
  'credits:write': WRITERS_AND_CUSTOMERS,
  'desk:read': DESK_READERS,
  'desk:write': DESK,
  'devices:read': ALL,
  'devices:write': DESK_AND_CUSTOMERS,
  'domains:read': READERS,
  'domains:write': WRITERS,
  'invites:read': ALL,
  'invites:write': DESK_AND_CUSTOMERS,
  'keys:read': READERS,
  'keys:write': WRITERS,
  'legal:read': READERS,
  'legal:write': WRITERS,
  'mail:read': ALL,
  'mail:write': WRITERS_AND_CUSTOMERS,
  'organisations:read': ALL,
  'organisations:write': ['owner', 'admin', 'reseller'],
  'plans:read': ALL,
  'plans:write': WRITERS,
  'policies:read': READERS,
  'policies:write': WRITERS,
  'privacy:read': DESK_READERS,
  'privacy:write': WRITERS,
  'statistics:read': ALL,
  'status:probe': ['owner'],
  'status:read': ALL,
  'status:write': WRITERS,
  'webhooks:read': READERS,
  'webhooks:write': WRITERS,
}

/** What somebody is told who may not ask at all; other refusals come after that question. */
const NOT_ALLOWED = new Set(
  [
    'beyond-organisation',
    'key-missing',
    'key-refused',
    'scope-missing',
    'session-missing',
    'sign-in-missing',
    'sign-in-refused',
  ].map((type) => `urn:sealpost:problem:${type}`),
)

const OPERATIONS = commands.map((command) => ({ command, title: `${command.method} ${command.path}` }))

const ID = '00000000-0000-4000-8000-000000000000'
let api: TestApi
let asked = 0
let customer: string
const administrators = new Map<Role, TestAdministrator>()
beforeAll(async () => {
  api = await createTestApi()
  customer = await organisation(api, 'Customer')
  for (const role of ROLES) {
    const place = role === 'org_admin' || role === 'reseller' ? customer : undefined
    administrators.set(role, await appoint(api, role, role, place))
  }
  await api.owner('POST', '/v1/accounts', { jid: 'account@example.org', password: 'secret' })
})
afterAll(() => api[Symbol.asyncDispose]())

/**
 * Who may ask is found out before the body is read, so one that is broken does no harm to anything. Each asks from an address of its own: what is asked for
 * here within seconds would be too much for one.
 */
async function isAllowed(command: Command, headers: Record<string, string>): Promise<boolean> {
  asked += 1
  const from = { 'x-forwarded-for': `192.0.2.${String(asked % 250)}`, 'x-forwarded-proto': 'https' }
  const path = command.path.replace(':jid', 'nobody@example.org').replaceAll(/:\w+/g, ID)
  const isSafe = command.method === 'GET'
  const body = isSafe ? undefined : '{'
  // Node would send the body of a DELETE without saying that there is one.
  const type: Record<string, string> = isSafe
    ? {}
    : { 'content-type': 'application/json', 'content-length': '1' }
  const answer = await api.call(command.method, path, { body, headers: { ...from, ...type, ...headers } })
  return !isRefusal(command, answer)
}

function isRefusal({ method, path }: Command, { status, text }: Answer): boolean {
  expect(status, `${method} ${path}`).not.toBe(429)
  expect(status === 500, `${method} ${path}`).toBe(false)
  if (status !== 401 && status !== 403) return false
  return NOT_ALLOWED.has((JSON.parse(text) as { type: string }).type)
}

const session = (role: Role): Record<string, string> => {
  const { cookie, csrf } = administrators.get(role)?.session ?? { cookie: '', csrf: '' }
  return { cookie, origin: ORIGIN, 'x-csrf-token': csrf }
}

const keys = new Map<string, Record<string, string>>()
async function key(scope: readonly string[], of?: string): Promise<Record<string, string>> {
  const name = `${scope.join()} ${of ?? ''}`
  const known = keys.get(name)
  if (known !== undefined) return known
  const made = await api.owner('POST', '/v1/api-keys', { scope, organisation: of })
  const header = { authorization: `Bearer ${String(made.json['token'])}` }
  keys.set(name, header)
  return header
}

const isScope = (access: Command['access']): access is Scope => SCOPES.some((scope) => scope === access)

/** Whether an administrator of the role may ask. */
function mayAsk({ access, reach }: Command, role: Role): boolean {
  if (access === 'anyone') return true
  if (access === 'administrator') return true
  if (!isScope(access)) return false
  return (
    MAY[access].includes(role) && ((role !== 'org_admin' && role !== 'reseller') || reach === 'organisation')
  )
}

describe.each(ROLES)('%s', (role) => {
  test.each(OPERATIONS)('$title', async ({ command }) => {
    expect(await isAllowed(command, session(role))).toBe(mayAsk(command, role))
  })
})

describe('a key', () => {
  test.each(OPERATIONS)('$title', async ({ command }) => {
    const { access, reach } = command
    const scoped = isScope(access)
    const expected = scoped || access === 'anyone'
    const scopes = scoped ? [access] : [ALL_SCOPES]
    expect(await isAllowed(command, await key(scopes)), 'with the scope').toBe(expected)
    const bounded = expected && (access === 'anyone' || reach === 'organisation')
    expect(await isAllowed(command, await key(scopes, customer)), 'of an organisation').toBe(bounded)
    const others = SCOPES.filter((scope) => scope !== access)
    expect(await isAllowed(command, await key(others)), 'without the scope').toBe(access === 'anyone')
  })
})

describe('an account and nobody', () => {
  test.each(OPERATIONS)('$title', async ({ command }) => {
    const { access } = command
    const account = basic('account@example.org', 'secret')
    expect(await isAllowed(command, account), 'account').toBe(access === 'anyone' || access === 'account')
    expect(await isAllowed(command, {}), 'nobody').toBe(access === 'anyone')
  })
})
