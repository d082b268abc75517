/** Routes for whoever signs in with HTTP Basic (RFC 7617), or has signed in to the page of their account. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { challengeFor, isConfidential, isForeignChange, readBasic } from './basic.ts'
import { HttpProblem } from './http-problem.ts'
import { ACCOUNT_COOKIE, readShownSession, type ShownSession } from './shown-session.ts'

/** `limited`: too many wrong passwords; `busy`: too many sign-ins at a time. */
export type SignInOutcome<A> =
  | { readonly result: 'right'; readonly account: A }
  | { readonly result: 'wrong' | 'limited' | 'busy' }

/** `over`: not any more, or it never was; `foreign`: no page of ours has sent it; `away`: nobody can tell now. */
export type SessionOutcome<A> =
  | { readonly result: 'right'; readonly account: A }
  | { readonly result: 'over' | 'foreign' | 'away' }

export interface SignInChecks<A> {
  /** `shown`: `user:password` as it was sent; `client`: the address it came from. */
  password(shown: Buffer, client: string): Promise<SignInOutcome<A>>
  /** Of a request that shows no password; undefined: a password is needed. */
  readonly session: ((shown: ShownSession) => Promise<SessionOutcome<A>>) | undefined
}

const reject = {
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  wrong: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
  limited: () => new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later'),
  busy: () => new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again'),
  over: () => new HttpProblem(401, 'session-over', 'The session is over; sign in again'),
  foreign: () => new HttpProblem(403, 'origin-refused', 'Pages of another origin may not do that'),
  away: () => new HttpProblem(503, 'sessions-away', 'Sessions cannot be looked up now; try again'),
} as const

export interface SignInGuard<A> {
  /** From now on all routes of `app` are for active accounts that sign in, which is found out before the body is read. */
  require(app: FastifyInstance, checks: SignInChecks<A>): void
  /** Who asks. */
  readonly accountOf: (request: FastifyRequest) => A
}

export function signInGuard<A extends { readonly state: string }>(): SignInGuard<A> {
  const accounts = new WeakMap<FastifyRequest, A>()
  return {
    require(app, checks) {
      app.addHook('onRequest', async (request, reply) => {
        if (!isConfidential(request)) throw reject.noTls()
        const account = (await bySession(request, checks)) ?? (await byPassword(request, reply, checks))
        if (account.state !== 'active') throw reject.suspended()
        accounts.set(request, account)
        reply.header('cache-control', 'no-store')
      })
    },
    accountOf(request) {
      const account = accounts.get(request)
      if (account === undefined) throw reject.noPassword() // The hook has let nobody else through.
      return account
    },
  }
}

/** Undefined: no session is shown, or a password as well, which then decides. */
async function bySession<A>(
  request: FastifyRequest,
  { session }: Pick<SignInChecks<A>, 'session'>,
): Promise<A | undefined> {
  if (session === undefined || request.headers.authorization !== undefined) return undefined
  const shown = readShownSession(request, ACCOUNT_COOKIE)
  if (shown === undefined) return undefined
  const outcome = await session(shown)
  if (outcome.result !== 'right') throw reject[outcome.result]()
  return outcome.account
}

async function byPassword<A>(
  request: FastifyRequest,
  reply: FastifyReply,
  { password }: Pick<SignInChecks<A>, 'password'>,
): Promise<A> {
  reply.header('www-authenticate', challengeFor(request))
  const shown = readBasic(request)
  if (shown === undefined) throw reject.noPassword()
  if (isForeignChange(request)) throw reject.foreign()
  const outcome = await password(shown, request.ip)
  if (outcome.result === 'wrong') throw reject.wrong()
  reply.removeHeader('www-authenticate')
  if (outcome.result !== 'right') throw reject[outcome.result]()
  return outcome.account
}
