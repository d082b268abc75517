/** Who asks: the control socket, an API key (RFC 6750), an administrator by the cookie of their session, or an account by HTTP Basic (RFC 7617). Deny by default. */
import type { AccountsDomain, SignedIn } from '@sealpost/accounts'
import {
  challengeFor,
  HttpProblem,
  isConfidential,
  isForeignChange,
  isLocalSocket,
  readBasic,
  type FastifyReply,
  type FastifyRequest,
} from '@sealpost/http'
import { SCOPES_OF_ROLE } from '../access/roles.ts'
import type { Sessions } from '../access/sessions.ts'
import { hasScope } from '../commands/api-keys.ts'
import type { Actor, Command } from '../commands/command.ts'
import type { ApiEvents } from '../events.ts'
import type { AccountSessions } from '../joining/account-sessions.ts'
import type { SignIn } from '../sign-in.ts'
import {
  checkSentByUs,
  clearAccountSession,
  clearSession,
  originsOfAccounts,
  readAccountSession,
  readSession,
} from './browser.ts'
import { isWithinNetworks } from '../access/networks.ts'

export interface AuthenticateOptions {
  readonly accounts: AccountsDomain
  readonly signIn: SignIn
  readonly sessions: Sessions
  readonly accountSessions: Pick<AccountSessions, 'find'>
  /** `https://HOST:PORT`, where the panel is. */
  readonly origin: () => string
  readonly events: ApiEvents
}

const REALM = 'Sealpost'

const reject = {
  noKey: () => new HttpProblem(401, 'key-missing', 'An API key is needed'),
  badKey: () => new HttpProblem(401, 'key-refused', 'The API key is unknown, expired or revoked'),
  keyElsewhere: () => new HttpProblem(403, 'network-refused', 'The API key does not work from here'),
  noSession: () => new HttpProblem(401, 'session-missing', 'Sign in first'),
  sessionOver: () => new HttpProblem(401, 'session-over', 'The session is over; sign in again'),
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  badPassword: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  ownPassword: () => new HttpProblem(403, 'own-password-needed', 'No app password is for this'),
  foreign: () => new HttpProblem(403, 'origin-refused', 'Pages of another origin may not do that'),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
} as const

export function scopeMissing(scope: string): HttpProblem {
  return new HttpProblem(403, 'scope-missing', 'The role or the API key lacks a scope', { scopes: [scope] })
}

type Asked = Pick<Command, 'access' | 'byProgram'>

/** Answers who asks, or throws the 401 or 403 that says what is missing. */
export function createAuthenticate(options: AuthenticateOptions) {
  const { accounts, signIn, sessions, accountSessions, origin, events } = options
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
    if (!isWithinNetworks(request.ip, key.networks)) throw reject.keyElsewhere()
    const { id, scopes, organisationId, networks, expiresOn, madeBy } = key
    return { kind: 'key', id, scopes, organisationId, networks, expiresOn, madeBy }
  }

  async function bySession(request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    const shown = readSession(request)
    if (shown === undefined) throw reject.noSession()
    const session = await sessions.find(shown.token)
    if (session === undefined) {
      clearSession(reply)
      throw reject.sessionOver()
    }
    checkSentByUs(shown, [origin()])
    const { administrator, id: sessionId, provedUntil } = session
    const { id, name, role, organisationId } = administrator
    const scopes = SCOPES_OF_ROLE[role]
    const proven = provedUntil !== undefined
    return { kind: 'administrator', id, name, role, scopes, organisationId, sessionId, proven, provedUntil }
  }

  function byScope(request: FastifyRequest, reply: FastifyReply): Actor | Promise<Actor> {
    if (isLocalSocket(request)) return { kind: 'owner' }
    const hasKey = request.headers.authorization !== undefined || readSession(request) === undefined
    return hasKey ? byKey(request, reply) : bySession(request, reply)
  }

  async function byPassword(asked: Asked, request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    if (!isConfidential(request)) throw reject.noTls()
    const credentials = readBasic(request)
    if (credentials !== undefined && isForeignChange(request)) throw reject.foreign()
    const account = credentials && (await signIn.check(credentials, request.ip))
    if (account !== undefined) return ownerOf(account, asked)
    throw challenge(request, reply, credentials === undefined ? reject.noPassword() : reject.badPassword())
  }

  async function byAccount(asked: Asked, request: FastifyRequest, reply: FastifyReply): Promise<Actor> {
    const shown = readAccountSession(request)
    if (shown === undefined || request.headers.authorization !== undefined)
      return byPassword(asked, request, reply)
    const { token } = shown
    const account = await accountSessions.find(token)
    if (account === undefined) {
      clearAccountSession(reply)
      throw reject.sessionOver()
    }
    if (account.state !== 'active') throw reject.suspended()
    checkSentByUs(shown, originsOfAccounts(shown, origin()))
    return { kind: 'account', account, proven: false, session: token }
  }

  return async (asked: Asked, request: FastifyRequest, reply: FastifyReply): Promise<Actor> => {
    const { access } = asked
    if (access === 'anyone') return { kind: 'anonymous' }
    if (access === 'account') return byAccount(asked, request, reply)
    if (access === 'administrator') return bySession(request, reply)
    const actor = await byScope(request, reply)
    if (!hasScope(actor, access)) throw scopeMissing(access)
    return actor
  }
}

function ownerOf(account: SignedIn, { byProgram }: Asked): Actor {
  if (account.state !== 'active') throw reject.suspended()
  const proven = account.credential.appPassword === undefined
  if (!proven && byProgram !== true) throw reject.ownPassword()
  return { kind: 'account', account, proven, session: undefined }
}

function challenge(request: FastifyRequest, reply: FastifyReply, problem: HttpProblem): HttpProblem {
  reply.header('www-authenticate', challengeFor(request))
  return problem
}

/** The token, if there is one (RFC 6750 §2.1). */
function readBearer({ headers }: FastifyRequest): string | undefined {
  const [scheme = '', value, ...rest] = headers.authorization?.split(' ') ?? []
  if (scheme.toLowerCase() !== 'bearer' || rest.length > 0 || value === '') return undefined
  return value
}
