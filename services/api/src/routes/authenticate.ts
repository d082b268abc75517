/** Who asks: the control socket, an API key (RFC 6750), or an account by HTTP Basic (RFC 7617). Deny by default. */
import type { AccountsDomain } from '@sealpost/accounts'
import {
  basicChallenge,
  HttpProblem,
  isConfidential,
  isLocalSocket,
  readBasic,
  type FastifyReply,
  type FastifyRequest,
} from '@sealpost/http'
import { hasScope } from '../commands/api-keys.ts'
import type { Access, Actor } from '../commands/command.ts'
import type { ApiEvents } from '../events.ts'
import type { SignIn } from '../sign-in.ts'

export interface AuthenticateOptions {
  readonly accounts: AccountsDomain
  readonly signIn: SignIn
  readonly events: ApiEvents
}

const REALM = 'Sealpost'

const reject = {
  noKey: () => new HttpProblem(401, 'key-missing', 'An API key is needed'),
  badKey: () => new HttpProblem(401, 'key-refused', 'The API key is unknown, expired or revoked'),
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  badPassword: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  scope: (scope: string) =>
    new HttpProblem(403, 'scope-missing', 'The API key lacks a scope', { scopes: [scope] }),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
} as const

/** Answers who asks, or throws the 401 or 403 that says what is missing. */
export function createAuthenticate({ accounts, signIn, events }: AuthenticateOptions) {
  async function byKey(request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    const token = readBearer(request)
    if (token === undefined) {
      reply.header('www-authenticate', `Bearer realm="${REALM}"`)
      throw reject.noKey()
    }
    const key = await accounts.apiKeys.authenticate(token)
    if (key === undefined) {
      events.tokenRefused()
      reply.header('www-authenticate', `Bearer realm="${REALM}", error="invalid_token"`)
      throw reject.badKey()
    }
    return { kind: 'key', id: key.id, scopes: key.scopes, organisationId: undefined }
  }

  async function byPassword(request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    if (!isConfidential(request)) throw reject.noTls()
    const credentials = readBasic(request)
    if (credentials === undefined) throw challenge(reply, reject.noPassword())
    const account = await signIn.check(credentials, request.ip)
    if (account === undefined) throw challenge(reply, reject.badPassword())
    if (account.state !== 'active') throw reject.suspended()
    return { kind: 'account', account }
  }

  return async (access: Access, request: FastifyRequest, reply: FastifyReply): Promise<Actor> => {
    if (access === 'anyone') return { kind: 'anonymous' }
    if (access === 'account') return byPassword(request, reply)
    const actor: Actor = isLocalSocket(request) ? { kind: 'owner' } : await byKey(request, reply)
    if (!hasScope(actor, access)) throw reject.scope(access)
    return actor
  }
}

function challenge(reply: FastifyReply, problem: HttpProblem): HttpProblem {
  reply.header('www-authenticate', basicChallenge)
  return problem
}

/** The token, if there is one (RFC 6750 §2.1). */
function readBearer({ headers }: FastifyRequest): string | undefined {
  const [scheme = '', value, ...rest] = headers.authorization?.split(' ') ?? []
  if (scheme.toLowerCase() !== 'bearer' || rest.length > 0 || value === '') return undefined
  return value
}
