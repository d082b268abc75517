/** Signing in with HTTP Basic: reads the credentials, and tells the outcome in the words of HTTP. */
import {
  createPasswordCheck,
  parseBasicCredentials,
  type PasswordCheckOptions,
  type SignedIn,
} from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'
import type { ApiEvents } from './events.ts'

export interface SignIn extends Disposable {
  /**
   * `credentials` as RFC 7617 §2 has them: `user:password`, the user with or without domain. Undefined unless they are right; the
   * account may be suspended. Throws 429 and 503 within the bounds of PasswordCheck.
   */
  check(credentials: Buffer, client: string): Promise<SignedIn | undefined>
}

const reject = {
  limited: () => new HttpProblem(429, 'too-many-attempts', 'Too many wrong passwords; try again later'),
  busy: () => new HttpProblem(503, 'busy', 'Too many sign-ins at a time; try again'),
} as const

const COUNTED = { right: 'ok', wrong: 'refused', limited: 'limited', busy: 'busy' } as const

export interface SignInOptions extends PasswordCheckOptions {
  readonly domains: readonly string[]
  readonly events: Pick<ApiEvents, 'signIn'>
}

export function createSignIn({ domains, events, ...options }: SignInOptions): SignIn {
  const passwords = createPasswordCheck(options)
  const [defaultDomain = 'localhost'] = domains
  return {
    async check(credentials, client) {
      const parsed = parseBasicCredentials(credentials, defaultDomain)
      if (parsed === undefined) return undefined
      const outcome = await passwords.check(parsed.jid, parsed.password, client)
      events.signIn(COUNTED[outcome.result])
      if (outcome.result === 'limited' || outcome.result === 'busy') throw reject[outcome.result]()
      return outcome.result === 'right' ? outcome.account : undefined
    },
    [Symbol.dispose]: () => passwords[Symbol.dispose](),
  }
}
