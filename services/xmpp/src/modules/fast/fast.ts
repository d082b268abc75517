/**
 * XEP-0484 FAST: a device that signed in with its password gets a token to sign in with next time, in one round trip. A token is for one
 * account, one client installation and one mechanism; it is replaced daily, and ends after 14 days, with the device, with the password, and
 * at once when two use it. No TLS early data: Node takes none.
 */
import { createHmac } from 'node:crypto'
import { type AccountsDomain, mayOpen, type SignedIn } from '@sealpost/accounts'
import {
  HASHED_TOKEN_MECHANISMS,
  hashedTokenProof,
  isHashedTokenProof,
  readHashedToken,
  SaslError,
  type ScramVerifier,
} from '@sealpost/sasl'
import { type Element, element, NS_FAST, StreamError } from '@sealpost/stanza'
import {
  defineModule,
  type Hooks,
  type Module,
  type ModuleHost,
  type Provided,
  type SessionLifecycle,
  type Stream,
} from '../../core/module.ts'
import { installationIdentity } from '../../delivery/device-registry.ts'
import type { XmppEvents } from '../../events.ts'
import type { FastToken, FastTokenStore, TokenOwner } from './token-store.ts'

export interface FastOptions {
  readonly lifecycle: Pick<SessionLifecycle, 'end'>
  readonly accounts: Pick<AccountsDomain, 'verifier' | 'verifierOrDecoy'>
  readonly events: XmppEvents
  readonly fast: {
    readonly store: FastTokenStore
    /** 32 bytes that are not in the store. */
    readonly key: Buffer
  }
}

declare module '../../core/session.ts' {
  interface SessionData {
    /** The client installation that signed in, if it said which. */
    installation?: string
  }
}

declare module '../../core/stream.ts' {
  interface StreamData {
    /** The token that the stream's sign-in was with, until it is over. */
    fastToken?: FastToken
  }
}

const DAY_MS = 86_400_000
const TOKEN_DAYS = 14
const SEED_BYTES = 32
const SWEEP_MS = 3_600_000
/** XEP-0484 §11: xs:int */
const COUNT_MAX = 2 ** 31 - 1
const COUNT = /^\d{1,10}$/
/** Asked for in place of an account that does not exist, so that both take the same time. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

export const fast = (options: FastOptions): Module =>
  defineModule({
    name: 'fast',
    implements: ['XEP-0484 0.2.0', 'draft-schmaus-kitten-sasl-ht'],
    depends: ['sasl'],
    setup(host) {
      const { store } = options.fast
      const tokens = new Tokens(host, options)
      host.hook('sasl2/features', ({ stream, inline }) => {
        const names = offered(stream).map(({ name }) => element('mechanism', NS_FAST, {}, name))
        inline.push(element('fast', NS_FAST, {}, ...names))
        return undefined
      })
      host.hook('sasl2/mechanism', (event) => {
        if (offered(event.stream).some(({ name }) => name === event.mechanism)) return tokens.signIn(event)
        return undefined
      })
      host.hook('sasl2/success', (event) => tokens.issue(event))
      host.hook('session/bound', ({ session }) => {
        const { userAgent } = session.stream ?? {}
        if (userAgent !== undefined) session.data.installation = userAgent
        return undefined
      })
      host.hook('device/signed-out', ({ accountId, identity }) => store.revokeDevice({ accountId, identity }))
      host.hook('account/changed', ({ accountId }) => store.revokeAccount(accountId))
      host.hook('account/erase', ({ accountId }) => store.revokeAccount(accountId))
      host.every(SWEEP_MS, () => store.expire(dayOf(host.clock.now())))
    },
  })

/** XEP-0484 §3.1: what this connection has the channel binding for. */
function offered({ connection }: Stream) {
  return HASHED_TOKEN_MECHANISMS.filter(
    ({ binding }) => binding === undefined || connection.channelBindings.includes(binding),
  )
}

/** With what a token ends: the password that was signed in with, and the next time that everything is signed out. */
interface TokenSecretOf {
  readonly verifier: ScramVerifier
  readonly signOuts: number
}

class Tokens {
  readonly #host: ModuleHost
  readonly #options: FastOptions
  readonly #signIns: Provided['signIns']

  constructor(host: ModuleHost, options: FastOptions) {
    this.#host = host
    this.#options = options
    this.#signIns = host.need('signIns')
  }

  /** XEP-0484 §3.4 */
  signIn({ stream, mechanism, request, userAgent }: Parameters<Hooks['sasl2/mechanism']>[0]) {
    const attempt = request.child('fast', NS_FAST)
    if (!attempt || userAgent === undefined) throw new SaslError('malformed-request')
    const count = readCount(attempt)
    return {
      next: async (message: Buffer) => {
        const { username, proof } = readHashedToken(message)
        const jid = this.#signIns.accountJid(username, stream.domain)
        this.#signIns.requireAttempt(stream, jid, 'token')
        const { account, verifier } = await this.#options.accounts.verifierOrDecoy(jid, 'SHA-256')
        const owner = ownerOf(account?.id ?? NOBODY, userAgent)
        const binding = bindingOf(stream, mechanism)
        const of = { verifier, signOuts: account?.signOuts ?? 0 }
        let used: FastToken | undefined
        const tokens = await this.#options.fast.store.ofDevice(owner)
        const guess = this.#signIns.guess(stream, jid, 'token')
        for (const token of tokens) {
          const secret = this.#secret(owner, token, of)
          if (token.mechanism === mechanism && isHashedTokenProof(proof, secret, binding)) used = token
        }
        if (!account || !used || !mayOpen(account.credential, 'chat')) throw new SaslError('not-authorized')
        guess.succeeded()
        if (!(await this.#isGood(account, owner, used, count))) {
          await this.#betrayed(account, owner, userAgent)
          throw new SaslError('not-authorized')
        }
        stream.data.fastToken = used
        const final = hashedTokenProof(this.#secret(owner, used, of), 'Responder', binding)
        return { account, authzid: undefined, final }
      },
    }
  }

  /** The proof is right; whether the token still is good is decided here. */
  async #isGood(
    account: SignedIn,
    owner: TokenOwner,
    token: FastToken,
    count: number | undefined,
  ): Promise<boolean> {
    const { store } = this.#options.fast
    if (account.state !== 'active') {
      await store.revokeAccount(account.id)
      throw new SaslError('account-disabled')
    }
    if (token.expiresOn <= this.#today()) throw new SaslError('credentials-expired')
    return store.use(owner, token.seed, count)
  }

  /** Two hold a token, and one of them is not the device: neither gets in any more, and who is in must leave. */
  async #betrayed(account: SignedIn, owner: TokenOwner, installation: string): Promise<void> {
    const { events, fast: tokens, lifecycle } = this.#options
    events.tokenReused()
    await tokens.store.revokeDevice(owner)
    for (const session of this.#host.sessions.of(account.jid)) {
      const its = session.data.installation ?? session.stream?.userAgent
      if (its === installation) lifecycle.end(session, new StreamError('not-authorized'))
    }
  }

  /** XEP-0484 §3.2, §3.5, §3.6: a token that was asked for, or one in place of the used one. */
  async issue(event: Parameters<Hooks['sasl2/success']>[0]): Promise<undefined> {
    const { stream, request, account, userAgent, additions } = event
    if (userAgent === undefined) return undefined
    const used = stream.data.fastToken
    delete stream.data.fastToken
    const owner = ownerOf(account.id, userAgent)
    const ended = used !== undefined && isTrue(request.child('fast', NS_FAST)?.attrs['invalidate'])
    if (ended) await this.#options.fast.store.revokeDevice(owner)
    const asked = request.child('request-token', NS_FAST)?.attrs['mechanism']
    const due = used !== undefined && !ended && used.expiresOn < this.#today(TOKEN_DAYS)
    const wanted = asked ?? (due ? used.mechanism : undefined)
    const mechanism = offered(stream).find(({ name }) => name === wanted)?.name
    const token = mechanism && (await this.#make(account, owner, mechanism))
    if (token) additions.push(token)
    return undefined
  }

  async #make(account: SignedIn, owner: TokenOwner, mechanism: string): Promise<Element | undefined> {
    const found = await this.#options.accounts.verifier(account.credential.login, 'SHA-256')
    if (!found) return undefined
    const expiresOn = this.#today(TOKEN_DAYS)
    const token = { mechanism, seed: this.#host.random.bytes(SEED_BYTES), expiresOn }
    if (!(await this.#options.fast.store.issue(owner, token))) return undefined
    const { verifier } = found
    const secret = this.#secret(owner, token, { verifier, signOuts: account.credential.signOuts })
    return element('token', NS_FAST, { expiry: `${expiresOn}T00:00:00Z`, token: secret })
  }

  /** See migrations/0021_fast.sql. Every part has a fixed length but the mechanism's name, which holds no NUL. */
  #secret(owner: TokenOwner, { mechanism, seed }: Omit<FastToken, 'slot'>, of: TokenSecretOf): string {
    return createHmac('sha256', this.#options.fast.key)
      .update(`fast\0${owner.accountId}\0${mechanism}\0`)
      .update(owner.identity)
      .update(seed)
      .update(of.verifier.storedKey)
      .update(of.signOuts === 0 ? '' : String(of.signOuts))
      .digest('base64url')
  }

  #today(daysLater = 0): string {
    return dayOf(this.#host.clock.now() + daysLater * DAY_MS)
  }
}

function ownerOf(accountId: string, userAgent: string): TokenOwner {
  return { accountId, identity: installationIdentity({ id: accountId }, userAgent) }
}

function bindingOf({ connection }: Stream, mechanism: string): Buffer {
  const type = HASHED_TOKEN_MECHANISMS.find(({ name }) => name === mechanism)?.binding
  return (type === undefined ? undefined : connection.channelBinding(type)) ?? Buffer.alloc(0)
}

function readCount(attempt: Element): number | undefined {
  const { count } = attempt.attrs
  if (count === undefined) return undefined
  if (!COUNT.test(count) || Number(count) > COUNT_MAX) throw new SaslError('malformed-request')
  return Number(count)
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true'
}

/** UTC. */
function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
