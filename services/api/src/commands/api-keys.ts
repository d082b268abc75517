/** Commands about API keys. Nobody can give a key more than they have: neither scopes, nor an organisation, nor, being a key, networks and days. */
import type { ApiKey } from '@sealpost/accounts'
import { HttpProblem, Type, type Static } from '@sealpost/http'
import { administered } from '../access/administered.ts'
import { isNetwork, isNetworkWithin } from '../access/networks.ts'
import { organisationOf, reachableOrganisation, reaches } from '../access/reach.ts'
import { defineCommand, type Actor, type CommandContext } from './command.ts'
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
  organisation: Type.Optional(
    Type.String({ format: 'uuid', description: 'Beyond which it reaches nothing' }),
  ),
  networks: Type.Optional(
    Type.Array(Type.String(), { description: 'Where it works from; absent: from everywhere' }),
  ),
  created_on: daySchema,
  expires_on: Type.Optional(daySchema),
  last_used_on: Type.Optional(daySchema),
})

function showKey(key: ApiKey): Static<typeof keySchema> {
  return {
    id: key.id,
    label: key.label,
    scopes: [...key.scopes],
    ...(key.organisationId === undefined ? {} : { organisation: key.organisationId }),
    ...(key.networks.length === 0 ? {} : { networks: [...key.networks] }),
    created_on: key.createdOn,
    ...(key.expiresOn === undefined ? {} : { expires_on: key.expiresOn }),
    ...(key.lastUsedOn === undefined ? {} : { last_used_on: key.lastUsedOn }),
  }
}

function printKey(key: Static<typeof keySchema>): string {
  const until = key.expires_on === undefined ? 'until revoked' : `until ${key.expires_on}`
  const used = key.last_used_on === undefined ? 'never used' : `last used ${key.last_used_on}`
  const of = key.organisation === undefined ? '' : `  of ${key.organisation}`
  const from = key.networks === undefined ? '' : `  from ${key.networks.join(',')}`
  return `${key.id}  ${key.label}  ${key.scopes.join(',')}${of}${from}  ${until}  ${used}`
}

/** Whether the actor has the scope, and may therefore give it. */
export function hasScope(actor: Actor, scope: string): boolean {
  if (actor.kind === 'owner') return true
  const bounded = actor.kind === 'key' || actor.kind === 'administrator'
  return bounded && (actor.scopes.includes(ALL_SCOPES) || actor.scopes.includes(scope))
}

const reject = {
  scopes: (scopes: readonly string[]) =>
    new HttpProblem(403, 'scope-missing', 'A key can be given only scopes that you have', { scopes }),
  network: () =>
    new HttpProblem(422, 'network-malformed', 'A network is written like 192.0.2.0/24 or 2001:db8::/32'),
  wider: () =>
    new HttpProblem(403, 'key-too-wide', 'A key made with a key works in no more networks, and no longer'),
  unknown: () => new HttpProblem(404, 'api-key-unknown', 'There is no such API key'),
} as const

interface Bounds {
  readonly networks: readonly string[]
  readonly expiresOn: string | undefined
}

/** Where and how long the new key works: as is wished, and no more than the key that makes it. */
function boundsOf(
  actor: Actor,
  { networks, expiresOn }: { networks: string[] | undefined; expiresOn: string | undefined },
): Bounds {
  if (networks?.every(isNetwork) === false) throw reject.network()
  if (actor.kind !== 'key') return { networks: networks ?? [], expiresOn }
  const wanted = { networks: networks ?? actor.networks, expiresOn: expiresOn ?? actor.expiresOn }
  const isNarrow =
    (wanted.networks.length > 0 || actor.networks.length === 0) &&
    wanted.networks.every((network) => isNetworkWithin(network, actor.networks))
  const isShort = actor.expiresOn === undefined || (wanted.expiresOn ?? '') <= actor.expiresOn
  if (!isNarrow || !isShort) throw reject.wider()
  return wanted
}

/** The administrator behind the actor; undefined: somebody on the host. */
export function makerOf(actor: Actor): string | undefined {
  if (actor.kind === 'administrator') return actor.id
  return actor.kind === 'key' ? actor.madeBy : undefined
}

async function findReachable(context: CommandContext, actor: Actor, id: string): Promise<ApiKey> {
  const key = await context.accounts.apiKeys.find(id)
  if (key === undefined || !(await reaches(context, actor, key.organisationId))) throw reject.unknown()
  return key
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
  reach: 'organisation',
  proof: true,
  records: ['label', 'scope', 'organisation', 'expires_on'],
  body: Type.Object(
    {
      label: Type.Optional(labelSchema),
      scope: Type.Array(scopeSchema, {
        minItems: 1,
        maxItems: SCOPES.length,
        uniqueItems: true,
        description: `${SCOPES.join(', ')}, or * for all`,
      }),
      expires_on: Type.Optional(
        Type.String({ format: 'date', pattern: '^[2-9]', description: 'Last day on which it works' }),
      ),
      organisation: Type.Optional(
        Type.String({
          format: 'uuid',
          description: 'Beyond which it reaches nothing; your own unless given',
        }),
      ),
      networks: Type.Optional(
        Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
          minItems: 1,
          maxItems: 32,
          uniqueItems: true,
          description: 'Where it works from, in CIDR notation; everywhere unless given',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  status: 201,
  response: mintedSchema,
  async handle(context, { actor, body }) {
    const missing = body.scope.filter((scope) => !hasScope(actor, scope))
    if (missing.length > 0) throw reject.scopes(missing)
    const organisationId = body.organisation ?? organisationOf(actor)
    if (organisationId !== undefined) await reachableOrganisation(context, actor, organisationId)
    const { key, token } = await context.accounts.apiKeys.create({
      label: body.label ?? 'unnamed',
      scopes: body.scope,
      organisationId,
      madeBy: makerOf(actor),
      ...boundsOf(actor, { networks: body.networks, expiresOn: body.expires_on }),
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
  reach: 'organisation',
  status: 200,
  response: Type.Object({ items: Type.Array(keySchema) }),
  async handle(context, { actor }) {
    const [keys, reached] = [await context.accounts.apiKeys.list(), await administered(context, actor)]
    const own = keys.filter(({ organisationId = '' }) => reached?.has(organisationId) !== false)
    return { items: own.map(showKey) }
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
  reach: 'organisation',
  params: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  status: 200,
  response: Type.Object({ id: Type.String({ format: 'uuid' }) }),
  async handle(context, { actor, params }) {
    const { id } = await findReachable(context, actor, params.id)
    if (!(await context.accounts.apiKeys.revoke(id))) throw reject.unknown()
    return params
  },
  lines: [{ noun: 'apikey', verb: 'revoke', print: ({ id }) => `${id} revoked` }],
})
