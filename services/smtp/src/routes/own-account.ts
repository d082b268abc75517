/** Signing in to an account's own routes with HTTP Basic (RFC 7617), or by the session on its page. */
import { type Account, parseBasicCredentials, type PasswordCheck } from '@sealpost/accounts'
import { type FastifyInstance, signInGuard, type SignInChecks } from '@sealpost/http'

export interface OwnAccountOptions {
  readonly passwords: PasswordCheck
  /** Undefined: sessions are kept nowhere. */
  readonly session?: SignInChecks<Account>['session']
  /** Of names without one. */
  readonly defaultDomain: string
}

const guard = signInGuard<Account>()

export const { accountOf } = guard

/** All routes of `app` are for whoever signs in, and none takes text. */
export function requireAccount(
  app: FastifyInstance,
  { passwords, session, defaultDomain }: OwnAccountOptions,
): void {
  app.removeContentTypeParser('text/plain') // Fastify's own.
  guard.require(app, {
    session,
    async password(shown, client) {
      const credentials = parseBasicCredentials(shown, defaultDomain)
      if (credentials === undefined) return { result: 'wrong' }
      return await passwords.check(credentials.jid, credentials.password, client)
    },
  })
}
