/** Routes for whoever signs in with HTTP Basic (RFC 7617). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { basicChallenge, isConfidential, readBasic } from './basic.ts'
import { HttpProblem } from './http-problem.ts'

/** `limited`: too many wrong passwords; `busy`: too many sign-ins at a time. */
export type SignInOutcome<A> =
  | { readonly result: 'right'; readonly account: A }
  | { readonly result: 'wrong' | 'limited' | 'busy' }

/** `shown`: `user:password` as it was sent; `client`: the address it came from. */
export type CheckSignIn<A> = (shown: Buffer, client: string) => Promise<SignInOutcome<A>>

const reject = {
  noPassword: () => new HttpProblem(401, 'sign-in-missing', 'Name and password of an account are needed'),
  wrong: () => new HttpProblem(401, 'sign-in-refused', 'Wrong name or password'),
  suspended: () => new HttpProblem(403, 'account-suspended', 'The account is suspended'),
  noTls: () => new HttpProblem(403, 'tls-required', 'A password is accepted over TLS only'),
  limited: () => new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later'),
  busy: () => new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again'),
} as const

export interface SignInGuard<A> {
  /** From now on all routes of `app` are for active accounts that sign in, which is found out before the body is read. */
  require(app: FastifyInstance, check: CheckSignIn<A>): void
  /** Who asks. */
  readonly accountOf: (request: FastifyRequest) => A
}

export function signInGuard<A extends { readonly state: string }>(): SignInGuard<A> {
  const accounts = new WeakMap<FastifyRequest, A>()
  return {
    require(app, check) {
      app.addHook('onRequest', async (request, reply) => {
        accounts.set(request, await signIn(request, reply, check))
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

async function signIn<A extends { readonly state: string }>(
  request: FastifyRequest,
  reply: FastifyReply,
  check: CheckSignIn<A>,
): Promise<A> {
  if (!isConfidential(request)) throw reject.noTls()
  reply.header('www-authenticate', basicChallenge)
  const shown = readBasic(request)
  if (shown === undefined) throw reject.noPassword()
  const outcome = await check(shown, request.ip)
  if (outcome.result === 'wrong') throw reject.wrong()
  reply.removeHeader('www-authenticate')
  if (outcome.result !== 'right') throw reject[outcome.result]()
  if (outcome.account.state !== 'active') throw reject.suspended()
  return outcome.account
}
