/**
 * XEP-0077 In-Band Registration, off unless it is configured, and then only with an invite (XEP-0445): one token, one account. The password is derived into verifiers and
 * forgotten. Changing it and leaving are not here: they need a proof of who asks, which commands (XEP-0050) and the account's page have.
 */
import {
  AccountError,
  type AccountInvite,
  type AccountsDomain,
  deriveVerifiers,
  type Guesses,
  OrganisationError,
} from '@sealpost/accounts'
import type { MaybePromise } from '@sealpost/runtime'
import {
  type Element,
  element,
  errorReply,
  iqResult,
  NS_IBR_TOKEN,
  NS_PARS,
  NS_REGISTER,
  NS_REGISTER_FEATURE,
  StanzaError,
  StreamError,
} from '@sealpost/stanza'
import { defineModule, type Module, type ModuleHost, type Stream } from '../../core/module.ts'
import type { Registration } from './invites.ts'

/** Tokens and registrations that one stream may get wrong. */
const FAILURES_MAX = 5
/** What all tokens are tried for, in the bounds on guesses. */
const GUESSED = 'invite'
const INSTRUCTIONS = 'Choose a name and a password.'

declare module '../../core/stream.ts' {
  interface StreamData {
    /** XEP-0445 §4: what the client has shown, good for one account although it may expire meanwhile. */
    preauth?: { readonly token: string; readonly invite: AccountInvite }
    failedRegistrations?: number
  }
}

export interface RegistrationOptions {
  readonly accounts: Pick<AccountsDomain, 'accountInvites'>
  readonly guesses: Guesses
  readonly registration: Registration
}

const refuse = {
  malformed: () => new StanzaError('modify', 'bad-request'),
  token: () => new StanzaError('cancel', 'item-not-found', 'The provided token is invalid or expired'), // XEP-0445 §4
  tooMany: () => new StanzaError('wait', 'resource-constraint', 'Too many tokens were wrong'),
  uninvited: () => new StanzaError('auth', 'forbidden', 'An account is made with an invite'),
  incomplete: () => new StanzaError('modify', 'not-acceptable', 'A name and a password are needed'), // XEP-0077 §3.1
  fixed: () => new StanzaError('modify', 'not-acceptable', 'The invite is for another name'),
  name: () => new StanzaError('modify', 'not-acceptable', 'Nobody can have this name'),
  password: () => new StanzaError('modify', 'not-acceptable', 'This password cannot be used'),
  taken: () => new StanzaError('cancel', 'conflict', 'Somebody has this name'),
  pool: () => new StanzaError('wait', 'resource-constraint', 'No account is left'),
  elsewhere: () =>
    new StanzaError('cancel', 'not-allowed', 'Use the commands of the server, or its page for accounts'),
} as const

export function registration(options: RegistrationOptions): Module {
  return defineModule({
    name: 'registration',
    implements: ['XEP-0077 2.4', 'XEP-0445 0.2.0'],
    depends: ['bind', 'invites'],
    setup(host) {
      if (options.registration === 'off') return
      host.feature(NS_REGISTER)
      host.hook('stream/features', ({ stream, features }) => {
        if (!stream.secure || stream.account) return
        features.push(element('register', NS_IBR_TOKEN)) // XEP-0445 §3
        features.push(element('register', NS_REGISTER_FEATURE)) // XEP-0077 §8
      })
      const office = new Office(host, options)
      host.hook('stream/iq', ({ stream, iq }) => office.answer(stream, iq))
      const query = { to: ['host', 'self'], namespace: NS_REGISTER, name: 'query' } as const
      host.onIq('get', query, ({ session }) =>
        element(
          'query',
          NS_REGISTER,
          {},
          element('registered', NS_REGISTER),
          element('username', NS_REGISTER, {}, session.jid.local),
        ),
      )
      host.onIq('set', query, () => {
        throw refuse.elsewhere()
      })
    },
  })
}

class Office {
  readonly #host: ModuleHost
  readonly #options: RegistrationOptions

  constructor(host: ModuleHost, options: RegistrationOptions) {
    this.#host = host
    this.#options = options
  }

  /** Of a client that has not signed in: whether the stanza is for us. */
  answer(stream: Stream, iq: Element): MaybePromise<true | undefined> {
    const [payload, ...others] = iq.elements()
    const isOurs = payload?.is('preauth', NS_PARS) === true || payload?.is('query', NS_REGISTER) === true
    if (!stream.secure || payload === undefined || !isOurs) return undefined
    return this.#reply(stream, iq, others.length > 0 ? undefined : payload)
  }

  async #reply(stream: Stream, iq: Element, payload: Element | undefined): Promise<true> {
    const bare = iq.withAttrs({ to: undefined, from: undefined })
    try {
      if (payload === undefined || iq.attrs['id'] === undefined) throw refuse.malformed()
      const result = await this.#handle(stream, iq.attrs['type'], payload)
      stream.send(iqResult(bare, result).toString())
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      // XEP-0077 §3.3: what was sent, a password perhaps, is not sent back.
      stream.send(errorReply(bare.withChildren([]), error).toString())
      this.#countFailure(stream)
    }
    return true
  }

  async #handle(stream: Stream, type: string | undefined, payload: Element): Promise<Element | undefined> {
    if (payload.name === 'preauth') {
      if (type !== 'set') throw refuse.malformed()
      await this.#preauth(stream, payload.attrs['token'] ?? '')
      return undefined
    }
    const shown = stream.data.preauth
    if (shown === undefined) throw refuse.uninvited()
    if (type === 'get') return fieldsFor(shown.invite)
    if (type !== 'set') throw refuse.malformed()
    await this.#register(stream, shown, payload)
    return undefined
  }

  /** XEP-0445 §4: does not use it. */
  async #preauth(stream: Stream, token: string): Promise<void> {
    const guess = this.#options.guesses.begin({ client: stream.client, secret: 'token', name: GUESSED })
    if (guess === undefined) throw refuse.tooMany()
    const invite = await this.#options.accounts.accountInvites.show(token)
    if (invite === undefined || invite.domain !== stream.domain) throw refuse.token()
    guess.forgive()
    stream.data.preauth = { token, invite }
  }

  async #register(
    stream: Stream,
    { token, invite }: NonNullable<Stream['data']['preauth']>,
    query: Element,
  ): Promise<void> {
    const username = query.child('username')?.text().trim() ?? ''
    const password = query.child('password')?.text() ?? ''
    if (query.child('remove') !== undefined) throw refuse.uninvited()
    if (username === '' || password === '') throw refuse.incomplete()
    if (invite.localpart !== undefined && invite.localpart !== username.toLowerCase()) throw refuse.fixed()
    const account = await this.#make(token, username, password)
    if (account === undefined) throw refuse.token()
    delete stream.data.preauth // one token, one account
    const made = await this.#host.accounts.read(account.jid)
    if (made !== undefined) await this.#host.fire('account/joined', { account: made, token })
  }

  async #make(token: string, username: string, password: string) {
    const { accountInvites } = this.#options.accounts
    try {
      const verifiers = await deriveVerifiers(password, this.#host.random)
      return await accountInvites.register(token, username, verifiers)
    } catch (error) {
      throw refusalOf(error)
    }
  }

  #countFailure({ data }: Stream): void {
    data.failedRegistrations = (data.failedRegistrations ?? 0) + 1
    if (data.failedRegistrations >= FAILURES_MAX) throw new StreamError('policy-violation')
  }
}

/** XEP-0077 §3.1 */
function fieldsFor({ localpart }: AccountInvite): Element {
  return element(
    'query',
    NS_REGISTER,
    {},
    element('instructions', NS_REGISTER, {}, INSTRUCTIONS),
    element('username', NS_REGISTER, {}, ...(localpart === undefined ? [] : [localpart])),
    element('password', NS_REGISTER),
  )
}

function refusalOf(error: unknown): unknown {
  if (error instanceof OrganisationError) return refuse.pool()
  if (!(error instanceof AccountError)) return error
  if (error.code === 'PASSWORD_UNACCEPTABLE') return refuse.password()
  if (error.code === 'ACCOUNT_EXISTS' || error.code === 'ACCOUNT_NAME_RETIRED') return refuse.taken()
  return refuse.name()
}
