/** Signing in with HTTP Basic: reads the credentials, and tells the outcome in the words of HTTP. */
import { createPasswordCheck, type Account, type PasswordCheckOptions } from '@sealpost/accounts'
import { HttpProblem } from '@sealpost/http'
import { JidError, parseJid, type Jid } from '@sealpost/jid'
import type { ApiEvents } from './events.ts'

export interface SignIn extends Disposable {
  /**
   * `credentials` as RFC 7617 §2 has them: `user:password`, the user with or without domain. Undefined unless they are right; the
   * account may be suspended. Throws 429 and 503 within the bounds of PasswordCheck.
   */
  check(credentials: Buffer, client: string): Promise<Account | undefined>
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
      const parsed = parseCredentials(credentials, defaultDomain)
      if (parsed === undefined) return undefined
      const outcome = await passwords.check(parsed.jid, parsed.password, client)
      events.signIn(COUNTED[outcome.result])
      if (outcome.result === 'limited' || outcome.result === 'busy') throw reject[outcome.result]()
      return outcome.result === 'right' ? outcome.account : undefined
    },
    [Symbol.dispose]: () => passwords[Symbol.dispose](),
  }
}

function parseCredentials(bytes: Buffer, defaultDomain: string): { jid: Jid; password: string } | undefined {
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':') // RFC 7617 §2: the user has none, the password may.
  if (colon < 1) return undefined
  const user = text.slice(0, colon)
  try {
    const jid = parseJid(user.includes('@') ? user : `${user}@${defaultDomain}`)
    return jid.local === '' ? undefined : { jid: jid.bare, password: text.slice(colon + 1) }
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
