/** Commands about API keys. A key can never give more than it has. */
import type { ApiKey } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { defineCommand, type Actor } from './command.ts'
import { ALL_SCOPES, SCOPES } from './scopes.ts'

const daySchema = Type.String({ format: 'date' })

const scopeSchema = Type.Union([...SCOPES, ALL_SCOPES].map((scope) => Type.Literal(scope)))

export const labelSchema = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: String.raw`^[^\u0000-\u001f]*$`,
  description: 'Of a key, for its owner',
})

const keySchema = Type.Object({
  id: Type.String({ format: 'uuid' }),
  label: Type.String(),
  scopes: Type.Array(Type.String()),
  created_on: daySchema,
  expires_on: Type.Optional(daySchema),
  last_used_on: Type.Optional(daySchema),
})

function showKey(key: ApiKey): Static<typeof keySchema> {
  return {
    id: key.id,
    label: key.label,
    scopes: [...key.scopes],
    created_on: key.createdOn,
    ...(key.expiresOn === undefined ? {} : { expires_on: key.expiresOn }),
    ...(key.lastUsedOn === undefined ? {} : { last_used_on: key.lastUsedOn }),
  }
}

function printKey(key: Static<typeof keySchema>): string {
  const until = key.expires_on === undefined ? 'until revoked' : `until ${key.expires_on}`
  const used = key.last_used_on === undefined ? 'never used' : `last used ${key.last_used_on}`
  return `${key.id}  ${key.label}  ${key.scopes.join(',')}  ${until}  ${used}`
}

/** Whether the actor has the scope, and may therefore give it. */
export function hasScope(actor: Actor, scope: string): boolean {
  if (actor.kind === 'owner') return true
  const bounded = actor.kind === 'key' || actor.kind === 'administrator'
  return bounded && (actor.scopes.includes(ALL_SCOPES) || actor.scopes.includes(scope))
}

const mintedSchema = Type.Object({
  ...keySchema.properties,
  token: Type.String({ description: 'The key itself, shown only here' }),
})

export const createApiKey = defineCommand({
  name: 'apikey.create',
  summary: 'Create an API key with some of your own scopes',
  method: 'POST',
  path: '/v1/api-keys',
  access: 'apikeys:write',
  records: ['label', 'scope', 'expires_on'],
  body: Type.Object(
    {
      label: Type.Optional(labelSchema),
      scope: Type.Array(scopeSchema, {
        minItems: 1,
        maxItems: 32,
        uniqueItems: true,
        description: `${SCOPES.join(', ')}, or * for all`,
      }),
      expires_on: Type.Optional(
        Type.String({ format: 'date', pattern: '^[2-9]', description: 'Last day on which it works' }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: mintedSchema,
  async handle({ accounts }, { actor, body }) {
    const missing = body.scope.filter((scope) => !hasScope(actor, scope))
    if (missing.length > 0) {
      throw new HttpProblem(403, 'scope-missing', 'A key can be given only scopes that you have', {
        scopes: missing,
      })
    }
    const { key, token } = await accounts.apiKeys.create({
      label: body.label ?? 'unnamed',
      scopes: body.scope,
      expiresOn: body.expires_on,
    })
    return { ...showKey(key), token }
  },
  lines: [
    {
      noun: 'apikey',
      verb: 'create',
      print: ({ id, scopes, token }) => `Key ${id} (${scopes.join(',')}), shown only now:\n${token}`,
    },
  ],
})

export const listApiKeys = defineCommand({
  name: 'apikey.list',
  summary: 'List API keys, never the keys themselves',
  method: 'GET',
  path: '/v1/api-keys',
  access: 'apikeys:read',
  status: 200,
  response: Type.Object({ items: Type.Array(keySchema) }),
  async handle({ accounts }) {
    return { items: (await accounts.apiKeys.list()).map(showKey) }
  },
  lines: [
    {
      noun: 'apikey',
      verb: 'list',
      print: ({ items }) => (items.length === 0 ? 'No API keys' : items.map(printKey).join('\n')),
    },
  ],
})

export const revokeApiKey = defineCommand({
  name: 'apikey.revoke',
  summary: 'Revoke an API key at once',
  method: 'DELETE',
  path: '/v1/api-keys/:id',
  access: 'apikeys:write',
  params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  status: 200,
  response: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  async handle({ accounts }, { params }) {
    if (!(await accounts.apiKeys.revoke(params.id)))
      throw new HttpProblem(404, 'api-key-unknown', 'There is no such API key')
    return params
  },
  lines: [{ noun: 'apikey', verb: 'revoke', print: ({ id }) => `${id} revoked` }],
})
