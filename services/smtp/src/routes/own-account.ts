/** Signing in to an account's own routes with HTTP Basic (RFC 7617). */
import { type Account, parseBasicCredentials, type PasswordCheck } from '@sealpost/accounts'
import { basicChallenge, HttpProblem, isConfidential, readBasic } from '@sealpost/http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from '@sealpost/http'

export interface OwnAccountOptions {
  readonly passwords: PasswordCheck
  /** Of names without one. */
  readonly defaultDomain: string
}

const reject = {
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  badPassword: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
  limited: () => new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later'),
  busy: () => new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again'),
} as const

/** Who asks is found out before the body is read. */
const accounts = new WeakMap<FastifyRequest, Account>()

/** All routes of `app` are for whoever signs in. */
export function requireAccount(app: FastifyInstance, options: OwnAccountOptions): void {
  app.addHook('onRequest', async (request, reply) => {
    accounts.set(request, await signIn(request, reply, options))
    reply.header('cache-control', 'no-store')
  })
}

/** The hook has let nobody else through. */
export function accountOf(request: FastifyRequest): Account {
  const account = accounts.get(request)
  if (account === undefined) throw reject.noPassword()
  return account
}

async function signIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { passwords, defaultDomain }: OwnAccountOptions,
): Promise<Account> {
  if (!isConfidential(request)) throw reject.noTls()
  reply.header('www-authenticate', basicChallenge)
  const shown = readBasic(request)
  if (shown === undefined) throw reject.noPassword()
  const credentials = parseBasicCredentials(shown, defaultDomain)
  if (credentials === undefined) throw reject.badPassword()
  const outcome = await passwords.check(credentials.jid, credentials.password, request.ip)
  if (outcome.result === 'wrong') throw reject.badPassword()
  reply.removeHeader('www-authenticate')
  if (outcome.result !== 'right') throw reject[outcome.result]()
  if (outcome.account.state !== 'active') throw reject.suspended()
  return outcome.account
}
