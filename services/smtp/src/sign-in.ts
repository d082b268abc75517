/** RFC 4954 AUTH with PLAIN or LOGIN, against the same verifiers as SCRAM. */
import { createPasswordCheck, type Account, type PasswordCheckOptions } from '@sealpost/accounts'
import { JidError, parseJid } from '@sealpost/jid'
import type { Jid } from '@sealpost/jid'
import type { SmtpEvents } from './events.ts'
import { SmtpReply } from './smtp-reply.ts'

const reject = {
  credentials: () => new SmtpReply(535, '5.7.8', 'Authentication credentials invalid'), // RFC 4954 §6
  later: () => new SmtpReply(454, '4.7.0', 'Temporary authentication failure'), // RFC 4954 §6
  tooMany: () => new SmtpReply(421, '4.7.0', 'Too many failed attempts'),
} as const

/** Wrong passwords on one connection before it is closed. */
const FAILURES_MAX = 3

export interface Credentials {
  readonly username: string
  readonly password: string
  /** RFC 4616: whom to act as; only the user itself is allowed. */
  readonly authzid: string | undefined
}

/** One connection: any object that lives as long as it does. */
export interface Connection {
  readonly remoteAddress: string
}

export interface SignIn extends Disposable {
  /** The account, if the credentials are its and it is active. Throws SmtpReply, within the bounds of PasswordCheck too. */
  check(credentials: Credentials, connection: Connection): Promise<Account>
}

export interface SignInOptions extends PasswordCheckOptions {
  readonly domains: readonly string[]
  readonly events: SmtpEvents
}

export function createSignIn({ domains, events, ...options }: SignInOptions): SignIn {
  const passwords = createPasswordCheck(options)
  const failures = new WeakMap<Connection, number>()

  const refuse = (connection: Connection): SmtpReply => {
    events.signIn('refused')
    const count = (failures.get(connection) ?? 0) + 1
    failures.set(connection, count)
    return count >= FAILURES_MAX ? reject.tooMany() : reject.credentials()
  }
  return {
    async check(credentials, connection) {
      const jid = readUsername(credentials, domains)
      if (jid === undefined) throw refuse(connection)
      const outcome = await passwords.check(jid, credentials.password, connection.remoteAddress)
      if (outcome.result === 'limited' || outcome.result === 'busy') {
        events.signIn('deferred')
        throw reject.later()
      }
      if (outcome.result !== 'right' || outcome.account.state !== 'active') throw refuse(connection)
      events.signIn('accepted')
      return outcome.account
    },
    [Symbol.dispose]: () => passwords[Symbol.dispose](),
  }
}

/** The address of one of our domains, or undefined. */
function readUsername({ username, authzid }: Credentials, domains: readonly string[]): Jid | undefined {
  try {
    const jid = parseJid(username)
    const asItself = authzid === undefined || authzid === '' || authzid === username
    const ours = domains.some((domain) => parseJid(domain).domain === jid.domain)
    return asItself && ours && jid.local !== '' && jid.resource === '' ? jid : undefined
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
