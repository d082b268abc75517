/** RFC 4954: the mechanisms of AUTH (SCRAM of RFC 5802 and RFC 7677, PLAIN of RFC 4616, LOGIN), all against the same verifiers and within the same bounds. */
import { createPasswordCheck, Guesses, mayActAs, mayOpen } from '@sealpost/accounts'
import type { Accounts, PasswordCheckOptions, SignedIn } from '@sealpost/accounts'
import { tryParseJid } from '@sealpost/jid'
import type { Jid } from '@sealpost/jid'
import { parsePlain, SaslError, scramServer } from '@sealpost/sasl'
import type { SmtpEvents } from '../events.ts'
import { SmtpReply } from '../smtp-reply.ts'

const reject = {
  credentials: () => new SmtpReply(535, '5.7.8', 'Authentication credentials invalid'), // RFC 4954 §6
  later: () => new SmtpReply(454, '4.7.0', 'Temporary authentication failure'), // RFC 4954 §6
  tooMany: () => new SmtpReply(421, '4.7.0', 'Too many failed attempts'),
} as const

/** Failures on one connection before it is closed. */
const FAILURES_MAX = 3

/** RFC 5802 §4: the hash of every verifier that we make. */
const HASH = 'SHA-256'
const NOTHING = Buffer.alloc(0)

/** One connection: any object that lives as long as it does. */
export interface SignInConnection {
  readonly address: string
  /** Of its TLS; none, and there is no `-PLUS`. */
  readonly channelBindings: readonly string[]
  channelBinding(type: string): Buffer | undefined
}

/** Yields what the client is asked, takes what it answers, returns who it is. Throws SmtpReply. The first question can be answered before it was asked (RFC 4954 §4). */
export type SignInExchange = AsyncGenerator<Buffer, SignedIn, Buffer>

export interface SignIn extends Disposable {
  /** Strongest first: clients take the first they know. */
  mechanisms(connection: SignInConnection): readonly string[]
  /** Undefined: there is no such mechanism here. */
  begin(mechanism: string, connection: SignInConnection): SignInExchange | undefined
}

export interface SignInOptions extends Omit<PasswordCheckOptions, 'guesses' | 'accounts'> {
  readonly accounts: PasswordCheckOptions['accounts'] & Pick<Accounts, 'isGood'>
  readonly domains: readonly string[]
  readonly events: Pick<SmtpEvents, 'signIn'>
}

const SCRAM = 'SCRAM-SHA-256'
const SCRAM_PLUS = 'SCRAM-SHA-256-PLUS'

export function createSignIn(options: SignInOptions): SignIn {
  const guesses = new Guesses(options)
  const passwords = createPasswordCheck({ ...options, guesses })
  const failures = new Failures(options.events)
  const { domains, events } = options

  const checkPassword = async (
    credentials: { username: string; password: string; authzid?: string | undefined },
    connection: SignInConnection,
  ): Promise<SignedIn> => {
    const { username, password, authzid = '' } = credentials
    const jid = readUsername(username, domains)
    if (jid === undefined) throw failures.refuse(connection)
    const outcome = await passwords.check(jid, password, connection.address)
    if (outcome.result === 'limited' || outcome.result === 'busy') throw failures.defer()
    if (outcome.result !== 'right' || outcome.account.state !== 'active') throw failures.refuse(connection)
    if (authzid !== '' && !mayActAs(outcome.account, authzid)) throw failures.refuse(connection)
    events.signIn('accepted')
    return outcome.account
  }
  return {
    mechanisms: ({ channelBindings }) => [
      ...(channelBindings.length > 0 ? [SCRAM_PLUS] : []),
      SCRAM,
      'PLAIN',
      'LOGIN',
    ],
    begin(mechanism, connection) {
      if (mechanism === 'PLAIN') return plain(connection, checkPassword, failures)
      if (mechanism === 'LOGIN') return login(connection, checkPassword)
      const plus = mechanism === SCRAM_PLUS
      if (mechanism !== SCRAM && !(plus && connection.channelBindings.length > 0)) return undefined
      return scram(connection, { ...options, plus, guesses, failures })
    },
    [Symbol.dispose]: () => guesses[Symbol.dispose](),
  }
}

class Failures {
  readonly #events: SignInOptions['events']
  readonly #counts = new WeakMap<SignInConnection, number>()

  constructor(events: SignInOptions['events']) {
    this.#events = events
  }

  refuse(connection: SignInConnection): SmtpReply {
    this.#events.signIn('refused')
    const count = (this.#counts.get(connection) ?? 0) + 1
    this.#counts.set(connection, count)
    return count >= FAILURES_MAX ? reject.tooMany() : reject.credentials()
  }

  defer(): SmtpReply {
    this.#events.signIn('deferred')
    return reject.later()
  }
}

type CheckPassword = (
  credentials: { username: string; password: string; authzid?: string | undefined },
  connection: SignInConnection,
) => Promise<SignedIn>

async function* plain(
  connection: SignInConnection,
  check: CheckPassword,
  failures: Failures,
): SignInExchange {
  const message = yield NOTHING
  try {
    return await check(parsePlain(message), connection)
  } catch (error) {
    throw error instanceof SaslError ? failures.refuse(connection) : error
  }
}

/** draft-murchison-sasl-login: what some mail clients know only. */
async function* login(connection: SignInConnection, check: CheckPassword): SignInExchange {
  const username = yield Buffer.from('Username:')
  const password = yield Buffer.from('Password:')
  return await check({ username: username.toString(), password: password.toString() }, connection)
}

interface ScramOptions extends SignInOptions {
  readonly plus: boolean
  readonly guesses: Guesses
  readonly failures: Failures
}

async function* scram(connection: SignInConnection, options: ScramOptions): SignInExchange {
  const { failures, guesses, accounts, domains, random } = options
  let found: { readonly jid: Jid; readonly account: SignedIn | undefined } | undefined
  const server = scramServer({
    hash: HASH,
    plus: options.plus,
    serverSupportsPlus: connection.channelBindings.length > 0,
    channelBinding: (type) => connection.channelBinding(type),
    random: (count) => random.bytes(count),
    lookup: async (username) => {
      const jid = readUsername(username, domains)
      if (jid === undefined) throw new SaslError('not-authorized')
      if (!guesses.allows({ jid, client: connection.address, secret: 'password' })) throw failures.defer()
      const { account, verifier } = await accounts.verifierOrDecoy(jid, HASH)
      found = { jid, account }
      return verifier
    },
  })
  try {
    const clientFinal = yield Buffer.from(await server.first(yield NOTHING))
    const { jid, account } = found ?? failLookup()
    const guess = guesses.begin({ jid, client: connection.address, secret: 'password' })
    if (guess === undefined) throw failures.defer()
    const serverFinal = server.final(clientFinal)
    guess.succeeded()
    if (account?.state !== 'active' || !mayOpen(account.credential, options.opens))
      throw new SaslError('not-authorized')
    const { authzid } = server
    if (authzid !== undefined && !mayActAs(account, authzid)) throw new SaslError('not-authorized')
    // Revoked while the client was answering.
    if (!(await accounts.isGood(account.id, account.credential))) throw new SaslError('not-authorized')
    // RFC 4954 §4: SMTP has no room for data with the success, so the client answers once more, with nothing.
    const answer = yield Buffer.from(serverFinal)
    if (answer.length > 0) throw new SaslError('malformed-request')
    await accounts.touch(account.id, account.credential)
    options.events.signIn('accepted')
    return account
  } catch (error) {
    throw error instanceof SaslError ? failures.refuse(connection) : error
  }
}

function failLookup(): never {
  throw new SaslError('not-authorized')
}

/** The address of one of our domains, or undefined. */
function readUsername(username: string, domains: readonly string[]): Jid | undefined {
  const jid = tryParseJid(username)
  const ours = domains.some((domain) => tryParseJid(domain)?.domain === jid?.domain)
  return ours && jid?.local !== '' && jid?.resource === '' ? jid : undefined
}
