/** What both profiles of SASL share: the password mechanisms, their dialogue, and the bound on failures of one stream. */
import {
  type AccountsDomain,
  createPasswordCheck,
  type Guess,
  type Guesses,
  mayActAs,
  mayOpen,
  parseAppLogin,
  type PasswordCheck,
  type SignedIn,
} from '@sealpost/accounts'
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { parsePlain, SaslError, type SaslOffer, type ScramHash, scramServer } from '@sealpost/sasl'
import { StreamError } from '@sealpost/stanza'
import type { ModuleHost, Stream } from '../../core/module.ts'
import type { XmppEvents } from '../../events.ts'

declare module '../../core/stream.ts' {
  interface StreamData {
    failedSignIns?: number
  }
}

declare module '../../core/module.ts' {
  interface Provided {
    signIns: SignIns
  }
}

/** The client has shown who it is. */
export interface Proven {
  readonly account: SignedIn
  /** Whom the client wants to act as, when it said so. */
  readonly authzid: string | undefined
  /** The mechanism's last message to the client. */
  readonly final: Buffer
}

/** One mechanism's dialogue, whichever profile carries it. */
export interface SignIn {
  /** Takes a message of the client; throws SaslError when that ends the dialogue. */
  next(message: Buffer): Promise<{ readonly challenge: Buffer } | Proven>
}

export interface SignInOptions {
  readonly accounts: Pick<AccountsDomain, 'verifierOrDecoy' | 'touch' | 'foreignVerifier' | 'adoptPassword'>
  readonly guesses: Guesses
  readonly events: XmppEvents
  /** Whose passwords are taken by PLAIN (RFC 4616), beside SCRAM. */
  readonly plain: 'off' | 'app-passwords'
}

/** Strongest first: clients take the first they know. */
const mechanisms: readonly { name: string; hash: ScramHash; plus: boolean }[] = [
  { name: 'SCRAM-SHA-256-PLUS', hash: 'SHA-256', plus: true },
  { name: 'SCRAM-SHA-1-PLUS', hash: 'SHA-1', plus: true },
  { name: 'SCRAM-SHA-256', hash: 'SHA-256', plus: false },
  { name: 'SCRAM-SHA-1', hash: 'SHA-1', plus: false },
]
/** RFC 6120 §6.4.2: a client may try again, but not for ever. */
const FAILURES_MAX = 5
const MESSAGE_CHARS_MAX = 8192
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export class SignIns {
  readonly #host: ModuleHost
  readonly #options: SignInOptions
  readonly #passwords: PasswordCheck

  constructor(host: ModuleHost, options: SignInOptions) {
    this.#host = host
    this.#options = options
    const { clock, random } = host
    this.#passwords = createPasswordCheck({ ...options, clock, random, opens: 'chat' })
  }

  /** The password mechanisms and the channel bindings that this connection has (RFC 6120 §6.3.3, XEP-0440 §2). */
  offer(stream: Stream): SaslOffer {
    const bindings = stream.connection.channelBindings
    const offered = mechanisms.filter(({ plus }) => !plus || bindings.length > 0)
    return {
      mechanisms: offered.map(({ name }) => name),
      bindings: bindings.length > 0 ? bindings : undefined,
    }
  }

  /** Begins a dialogue. With `protection`, the client can check what was offered (XEP-0474 §5.1), and over which TLS (XEP-0515 §4.1). Throws SaslError. */
  begin(stream: Stream, name: string | undefined, protection: boolean): SignIn {
    if (!stream.secure) throw new SaslError('encryption-required')
    const mechanism = mechanisms.find((each) => each.name === name)
    if (!mechanism) throw new SaslError('invalid-mechanism')
    return this.#scram(stream, mechanism.hash, mechanism.plus, protection)
  }

  #scram(stream: Stream, hash: ScramHash, plus: boolean, protection: boolean): SignIn {
    let found: { readonly jid: Jid; readonly account: SignedIn | undefined } | undefined
    const offer = this.offer(stream)
    const scram = scramServer({
      hash,
      plus,
      serverSupportsPlus: offer.bindings !== undefined,
      channelBinding: (type) => stream.connection.channelBinding(type),
      random: (count) => this.#host.random.bytes(count),
      offer: protection ? offer : undefined,
      tlsVersion: protection ? stream.connection.tlsVersion : undefined,
      lookup: async (username) => {
        const jid = this.accountJid(username, stream.domain)
        this.requireAttempt(stream, jid, 'password')
        const { account, verifier } = await this.#options.accounts.verifierOrDecoy(jid, hash)
        found = { jid, account }
        return verifier
      },
    })
    return {
      next: async (message) => {
        if (!found) return { challenge: Buffer.from(await scram.first(message)) }
        const guess = this.guess(stream, found.jid, 'password')
        const final = Buffer.from(scram.final(message))
        guess.succeeded()
        return proven(found.account, scram.authzid, final)
      },
    }
  }

  /** Whether the operator lets clients that know nothing better sign in by PLAIN. */
  get takesPlain(): boolean {
    return this.#options.plain === 'app-passwords'
  }

  /** RFC 4616, of app passwords alone; what is sent as the password of an account is compared with nothing. Throws SaslError. */
  beginPlain(stream: Stream): SignIn {
    if (!stream.secure) throw new SaslError('encryption-required')
    if (!this.takesPlain) throw new SaslError('invalid-mechanism')
    return {
      next: async (message) => {
        const { authzid, username, password } = parsePlain(message)
        const jid = this.accountJid(username, stream.domain)
        if (parseAppLogin(jid.local) === undefined) throw new SaslError('not-authorized')
        const checked = await this.#passwords.check(jid, password, stream.client)
        if (checked.result === 'wrong') throw new SaslError('not-authorized')
        if (checked.result !== 'right') throw new SaslError('temporary-auth-failure')
        if (checked.account.credential.appPassword === undefined) throw new SaslError('not-authorized')
        return proven(checked.account, authzid, Buffer.alloc(0))
      },
    }
  }

  /** The name of SASL is the localpart (RFC 6120 §6.3.7), or the login of an app password; some clients send the whole bare JID. */
  accountJid(username: string, domain: string): Jid {
    try {
      const jid = parseJid(username.includes('@') ? username : `${username}@${domain}`)
      if (jid.domain === domain && jid.local !== '' && jid.resource === '') return jid
    } catch (error) {
      if (!(error instanceof JidError)) throw error
    }
    throw new SaslError('not-authorized')
  }

  /** Throws SaslError when there were too many failures already: nothing is looked up then. */
  requireAttempt({ client }: Stream, jid: Jid, secret: 'password' | 'token'): void {
    if (!this.#options.guesses.allows({ jid, client, secret })) throw new SaslError('temporary-auth-failure')
  }

  /** The secret is about to be compared. It counts as a failure unless it is said to be right. */
  guess({ client }: Stream, jid: Jid, secret: 'password' | 'token'): Guess {
    const guess = this.#options.guesses.begin({ jid, client, secret })
    if (!guess) throw new SaslError('temporary-auth-failure')
    return guess
  }

  /**
   * What the client is told of an error, which counts as a failed sign-in; StreamErrors are thrown on. RFC 6120 §6.4.5: it may
   * try again, a bounded number of times: `answer` is called before the stream ends.
   */
  refuse(stream: Stream, error: unknown, answer: (condition: SaslError['condition']) => void): void {
    if (error instanceof StreamError) throw error
    const { events } = this.#options
    const condition = error instanceof SaslError ? error.condition : 'temporary-auth-failure'
    if (!(error instanceof SaslError)) events.signInBroken(error)
    events.signInRefused(condition)
    const failures = (stream.data.failedSignIns ?? 0) + 1
    stream.data.failedSignIns = failures
    answer(condition)
    if (failures >= FAILURES_MAX) throw new StreamError('policy-violation', 'Too many failed sign-ins')
  }

  succeeded(stream: Stream): void {
    delete stream.data.failedSignIns
    this.#options.events.signedIn()
  }

  /** Base64 without line breaks. Throws SaslError `incorrect-encoding`. */
  decode(text: string): Buffer {
    if (text.length > MESSAGE_CHARS_MAX) throw new SaslError('malformed-request')
    if (!BASE64.test(text) || text.length % 4 !== 0) throw new SaslError('incorrect-encoding')
    return Buffer.from(text, 'base64')
  }
}

/** Whatever the name that was signed in with, the account is whom one acts as (RFC 6120 §6.3.8). */
function proven(account: SignedIn | undefined, authzid: string | undefined, final: Buffer): Proven {
  if (!account || !mayOpen(account.credential, 'chat')) throw new SaslError('not-authorized')
  if (authzid !== undefined && !mayActAs(account, authzid)) throw new SaslError('invalid-authzid')
  if (account.state !== 'active') throw new SaslError('account-disabled') // only after the proof: strangers learn nothing
  return { account, authzid, final }
}
