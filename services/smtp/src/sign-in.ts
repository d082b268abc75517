/** RFC 4954 AUTH with PLAIN or LOGIN, against the same verifiers as SCRAM. */
import type { Account, Accounts } from '@sealpost/accounts'
import { JidError, parseJid } from '@sealpost/jid'
import type { Jid } from '@sealpost/jid'
import { verifyPassword } from '@sealpost/sasl'
import type { SmtpEvents } from './events.ts'
import { SmtpReply } from './smtp-reply.ts'

const reject = {
  credentials: () => new SmtpReply(535, '5.7.8', 'Authentication credentials invalid'), // RFC 4954 §6
  busy: () => new SmtpReply(454, '4.7.0', 'Temporary authentication failure'), // RFC 4954 §6
  tooMany: () => new SmtpReply(421, '4.7.0', 'Too many failed attempts'),
} as const

/** Each check costs 10,000 rounds of HMAC: more than these at once would starve the other work of the thread pool. */
const CHECKS_MAX = 16

/** Wrong passwords on one connection before it is closed. */
const FAILURES_MAX = 3

export interface Credentials {
  readonly username: string
  readonly password: string
  /** RFC 4616: whom to act as; only the user itself is allowed. */
  readonly authzid: string | undefined
}

export interface SignIn {
  /** The account, if the credentials are its and it is active. Throws SmtpReply. `session` is any object that lives as long as the connection. */
  check(credentials: Credentials, session: object): Promise<Account>
}

export function createSignIn(options: {
  accounts: Pick<Accounts, 'verifierOrDecoy' | 'touch'>
  domains: readonly string[]
  events: SmtpEvents
}): SignIn {
  const { accounts, domains, events } = options
  const failures = new WeakMap<object, number>()
  let checks = 0

  const refuse = (session: object): SmtpReply => {
    events.signIn('refused')
    const count = (failures.get(session) ?? 0) + 1
    failures.set(session, count)
    return count >= FAILURES_MAX ? reject.tooMany() : reject.credentials()
  }
  return {
    async check(credentials, session) {
      if (checks >= CHECKS_MAX) {
        events.signIn('deferred')
        throw reject.busy()
      }
      checks += 1
      try {
        const jid = readUsername(credentials, domains)
        const account = jid === undefined ? undefined : await prove(accounts, jid, credentials.password)
        if (account?.state !== 'active') throw refuse(session)
        await accounts.touch(account.id)
        events.signIn('accepted')
        return account
      } finally {
        checks -= 1
      }
    },
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

/** The same work whether the account exists or not. */
async function prove(
  accounts: Pick<Accounts, 'verifierOrDecoy'>,
  jid: Jid,
  password: string,
): Promise<Account | undefined> {
  const { account, verifier } = await accounts.verifierOrDecoy(jid, 'SHA-256')
  return (await verifyPassword(password, verifier)) ? account : undefined
}
