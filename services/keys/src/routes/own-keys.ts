/** REST for an account's own keys, signed in with HTTP Basic (RFC 7617) or by the session on its page: list, upload, publish for the account's address without a mail, unpublish, delete. */
import { type Account, parseBasicCredentials, type PasswordCheck } from '@sealpost/accounts'
import { HttpProblem, problemSchema, signInGuard, Type } from '@sealpost/http'
import type {
  FastifyInstance,
  FastifyPluginAsync,
  FastifyRequest,
  SignInChecks,
  Static,
} from '@sealpost/http'
import { OpenPgpError } from '@sealpost/openpgp'
import type { Described } from '../directory/directory.ts'
import type { KeysEvents } from '../events.ts'
import { OwnKeyError } from '../verification/own-keys.ts'
import type { OwnKeyErrorCode, OwnKeys } from '../verification/own-keys.ts'
import { toHttpProblem } from './problems.ts'
import { JSON_BYTES_MAX } from './take-upload.ts'

export interface OwnKeysOptions {
  readonly ownKeys: OwnKeys
  readonly passwords: PasswordCheck
  /** Undefined: sessions are kept nowhere. */
  readonly session?: SignInChecks<Account>['session']
  /** Of names without one. */
  readonly defaultDomain: string
  readonly events: KeysEvents
}

/** Of one client. */
const CHANGES_PER_MINUTE = 60

const Key = Type.Object({
  fingerprint: Type.String(),
  version: Type.Integer(),
  algorithm: Type.String(),
  createdOn: Type.String({ format: 'date' }),
  expiresOn: Type.Optional(Type.String({ format: 'date' })),
  revoked: Type.Boolean(),
  published: Type.Boolean({ description: 'Whether it is found by the address of the account.' }),
})
const KeyList = Type.Object({ items: Type.Array(Key) })
const Upload = Type.Object(
  {
    keytext: Type.String({ description: 'One key, armored.' }),
    publish: Type.Optional(Type.Boolean({ default: true })),
  },
  { additionalProperties: false },
)
const Named = Type.Object({
  fingerprint: Type.String({ pattern: '^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$' }),
})

interface NamedRoute {
  Params: Static<typeof Named>
}

const description = 'HTTP Basic with name and password of an account.'
const problems = { '4xx': problemSchema, '5xx': problemSchema } as const
const common = { tags: ['me'], description }
const config = { rateLimit: { max: CHANGES_PER_MINUTE } }

const refusals = {
  OWN_KEY_UNKNOWN: [404, 'key-unknown'],
  OWN_KEY_NO_ADDRESS: [422, 'key-without-address'],
  OWN_KEY_NOT_ONE: [422, 'key-not-one'],
  OWN_KEY_POOL_EXCEEDED: [409, 'pool-exceeded'],
  OWN_KEY_SHARED: [409, 'key-shared'],
  OWN_KEY_REVOKED: [409, 'key-revoked'],
  OWN_ADDRESS_UNUSABLE: [422, 'address-unusable'],
} as const satisfies Record<OwnKeyErrorCode, readonly [number, string]>

const COUNTED = { right: 'ok', wrong: 'refused', limited: 'limited', busy: 'busy' } as const

const guard = signInGuard<Account>()

export const ownKeys: FastifyPluginAsync<OwnKeysOptions> = async (app, options) => {
  app.removeContentTypeParser('text/plain') // Fastify's own: here nothing takes text.
  guard.require(app, { session: options.session, password: checkPassword(options) })
  app.setErrorHandler((error) => {
    throw toProblem(error)
  })
  listRoute(app, options)
  uploadRoute(app, options)
  changeRoutes(app, options)
  await Promise.resolve()
}

function checkPassword({
  passwords,
  defaultDomain,
  events,
}: OwnKeysOptions): SignInChecks<Account>['password'] {
  return async (shown, client) => {
    const credentials = parseBasicCredentials(shown, defaultDomain)
    if (credentials === undefined) return { result: 'wrong' }
    const outcome = await passwords.check(credentials.jid, credentials.password, client)
    events.signIn(COUNTED[outcome.result])
    return outcome
  }
}

/** The account's address. */
function addressOf(request: FastifyRequest): string {
  return guard.accountOf(request).jid.toString()
}

function listRoute(app: FastifyInstance, { ownKeys: keys }: OwnKeysOptions): void {
  app.route({
    method: 'GET',
    url: '/v1/me/keys',
    schema: {
      ...common,
      summary: 'List the keys that are published for your address',
      response: { 200: KeyList, ...problems },
    },
    handler: async (request) => {
      const address = addressOf(request)
      return { items: (await keys.list(address)).map((each) => show(each, address)) }
    },
  })
}

function uploadRoute(app: FastifyInstance, { ownKeys: keys, events }: OwnKeysOptions): void {
  app.route<{ Body: Static<typeof Upload> }>({
    method: 'POST',
    url: '/v1/me/keys',
    schema: {
      ...common,
      summary: 'Upload a key, and publish it for your address unless told otherwise',
      body: Upload,
      response: { 200: Key, ...problems },
    },
    bodyLimit: JSON_BYTES_MAX,
    config,
    handler: async (request) => {
      const { keytext, publish = true } = request.body
      const address = addressOf(request)
      const { described, outcome } = await keys.upload(address, Buffer.from(keytext), { publish })
      events.submitted(outcome)
      events.ownKey('uploaded')
      return show(described, address)
    },
  })
}

function changeRoutes(app: FastifyInstance, { ownKeys: keys, events }: OwnKeysOptions): void {
  const change = (
    method: 'PUT' | 'DELETE',
    path: string,
    summary: string,
    act: (address: string, fingerprint: string) => Promise<void>,
  ): void => {
    app.route<NamedRoute>({
      method,
      url: `/v1/me/keys/:fingerprint${path}`,
      schema: { ...common, summary, params: Named, response: { 204: Type.Null(), ...problems } },
      config,
      handler: async (request, reply) => {
        await act(addressOf(request), request.params.fingerprint.toUpperCase())
        return reply.code(204).send()
      },
    })
  }
  change('PUT', '/published', 'Publish a key for your address', async (address, fingerprint) => {
    await keys.publish(address, fingerprint)
    events.ownKey('published')
  })
  change('DELETE', '/published', 'Take your address off a key', async (address, fingerprint) => {
    await keys.unpublish(address, fingerprint)
    events.ownKey('unpublished')
  })
  change(
    'DELETE',
    '',
    'Delete a key; it can come again by an upload of yours',
    async (address, fingerprint) => {
      await keys.delete(address, fingerprint)
      events.ownKey('deleted')
    },
  )
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)

function show({ listing, published }: Described, address: string): Static<typeof Key> {
  const { fingerprint, version, algorithm, created, expires, revoked } = listing
  return {
    fingerprint,
    version,
    algorithm: algorithm.name,
    createdOn: dayOf(created),
    ...(expires === undefined ? {} : { expiresOn: dayOf(expires) }),
    revoked: revoked !== undefined,
    published: published.some((each) => each === address.toLowerCase()),
  }
}

/** Anything that is no refusal passes through and becomes a 500. */
function toProblem(error: unknown): unknown {
  if (error instanceof OwnKeyError) {
    const [status, type] = refusals[error.code]
    return new HttpProblem(status, type, error.message)
  }
  if (error instanceof OpenPgpError)
    return error.code === 'OPENPGP_TOO_LARGE'
      ? new HttpProblem(413, 'key-too-large', error.message)
      : new HttpProblem(422, 'key-unacceptable', error.message)
  return toHttpProblem(error)
}
