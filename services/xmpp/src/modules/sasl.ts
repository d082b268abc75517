/**
 * SASL (RFC 6120 §6) with SCRAM, with and without channel binding. Only over TLS; the server holds verifiers, never
 * a password. A name that does not exist goes through the same exchange as one that does.
 */
import type { AccountsDomain } from '@sealpost/accounts'
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import { SaslError, type ScramHash, type ScramServerExchange, scramServer } from '@sealpost/sasl'
import { type Element, element, NS_SASL, NS_SASL_CB, StreamError } from '@sealpost/stanza'
import { defineModule, type Module, type ModuleHost, type Stream } from '../core/module.ts'
import type { XmppEvents } from '../events.ts'

declare module '../core/stream.ts' {
  interface StreamData {
    sasl?: { exchange: Exchange | undefined; failures: number }
  }
}

interface Exchange {
  readonly scram: ScramServerExchange
  readonly found: { readonly jid: Jid; readonly account: Awaited<Found>['account'] }
}

type Found = ReturnType<AccountsDomain['verifierOrDecoy']>

export interface SaslOptions {
  readonly accounts: Pick<AccountsDomain, 'verifierOrDecoy'>
  readonly events: XmppEvents
}

/** Strongest first: clients take the first they know. */
const mechanisms: readonly { name: string; hash: ScramHash; plus: boolean }[] = [
  { name: 'SCRAM-SHA-256-PLUS', hash: 'SHA-256', plus: true },
  { name: 'SCRAM-SHA-1-PLUS', hash: 'SHA-1', plus: true },
  { name: 'SCRAM-SHA-256', hash: 'SHA-256', plus: false },
  { name: 'SCRAM-SHA-1', hash: 'SHA-1', plus: false },
]
const BINDINGS = ['tls-exporter', 'tls-server-end-point']
/** RFC 6120 §6.4.2: a client may try again, but not for ever. */
const FAILURES_MAX = 5
const MESSAGE_CHARS_MAX = 8192

export const sasl = (options: SaslOptions): Module =>
  defineModule({
    name: 'sasl',
    implements: ['RFC 6120', 'RFC 5802', 'RFC 7677', 'RFC 9266', 'RFC 5929', 'XEP-0440 1.0.0'],
    setup(host) {
      host.hook('stream/features', ({ stream, features }) => {
        if (stream.secure && !stream.account) features.push(...saslFeatures(stream))
        return undefined
      })
      host.onNonza(NS_SASL, 'auth', (stream, nonza) =>
        answering(stream, options, start(host, options, stream, nonza)),
      )
      host.onNonza(NS_SASL, 'response', (stream, nonza) => answering(stream, options, proceed(stream, nonza)))
      host.onNonza(NS_SASL, 'abort', (stream) =>
        answering(stream, options, Promise.reject(new SaslError('aborted'))),
      )
    },
  })

/** RFC 6120 §6.3.3; XEP-0440 §3 names the channel bindings that this connection has. */
function saslFeatures(stream: Stream): Element[] {
  const bindings = bindingsOf(stream)
  const offered = mechanisms.filter(({ plus }) => !plus || bindings.length > 0)
  const list = element(
    'mechanisms',
    NS_SASL,
    {},
    ...offered.map(({ name }) => element('mechanism', NS_SASL, {}, name)),
  )
  if (bindings.length === 0) return [list]
  const types = bindings.map((type) => element('channel-binding', NS_SASL_CB, { type }))
  return [list, element('sasl-channel-binding', NS_SASL_CB, {}, ...types)]
}

function bindingsOf(stream: Stream): string[] {
  return BINDINGS.filter((type) => stream.connection.channelBinding(type) !== undefined)
}

async function start(host: ModuleHost, options: SaslOptions, stream: Stream, nonza: Element): Promise<void> {
  if (!stream.secure) throw new SaslError('encryption-required')
  if (stream.account) throw new StreamError('unsupported-stanza-type')
  const mechanism = mechanisms.find(({ name }) => name === nonza.attrs['mechanism'])
  if (!mechanism) throw new SaslError('invalid-mechanism')
  const { hash, plus } = mechanism
  let found: Exchange['found'] | undefined
  const scram = scramServer({
    hash,
    plus,
    serverSupportsPlus: bindingsOf(stream).length > 0,
    channelBinding: (type) => stream.connection.channelBinding(type),
    random: (count) => host.random.bytes(count),
    lookup: async (username) => {
      const jid = accountJid(username, stream.domain)
      const { account, verifier } = await options.accounts.verifierOrDecoy(jid, hash)
      found = { jid, account }
      return verifier
    },
  })
  const challenge = await scram.first(decodeMessage(nonza))
  if (!found) throw new SaslError('malformed-request')
  stream.data.sasl = { exchange: { scram, found }, failures: stream.data.sasl?.failures ?? 0 }
  stream.send(`<challenge xmlns='${NS_SASL}'>${encodeMessage(challenge)}</challenge>`)
}

async function proceed(stream: Stream, nonza: Element): Promise<void> {
  const exchange = stream.data.sasl?.exchange
  if (!exchange) throw new SaslError('malformed-request')
  const { scram, found } = exchange
  const serverFinal = scram.final(decodeMessage(nonza))
  const { account, jid } = found
  if (!account) throw new SaslError('not-authorized')
  if (scram.authzid !== undefined && !isSelf(scram.authzid, jid)) throw new SaslError('invalid-authzid')
  if (account.state !== 'active') throw new SaslError('account-disabled') // only after the proof: strangers learn nothing
  delete stream.data.sasl
  stream.send(`<success xmlns='${NS_SASL}'>${encodeMessage(serverFinal)}</success>`)
  stream.authenticated(account)
}

/** RFC 6120 §6.4.5: a failure is answered and the client may try again, a bounded number of times. */
async function answering(stream: Stream, options: SaslOptions, work: Promise<void>): Promise<void> {
  try {
    await work
    if (stream.account) options.events.signedIn()
  } catch (error) {
    if (error instanceof StreamError) throw error
    const condition = error instanceof SaslError ? error.condition : 'temporary-auth-failure'
    if (!(error instanceof SaslError)) options.events.signInBroken(error)
    options.events.signInRefused(condition)
    const failures = (stream.data.sasl?.failures ?? 0) + 1
    stream.data.sasl = { exchange: undefined, failures }
    stream.send(`<failure xmlns='${NS_SASL}'><${condition}/></failure>`)
    if (failures >= FAILURES_MAX) throw new StreamError('policy-violation', 'Too many failed sign-ins')
  }
}

/** The name of SCRAM is the localpart (RFC 6120 §6.3.7); some clients send the whole bare JID. */
function accountJid(username: string, domain: string): Jid {
  try {
    const jid = parseJid(username.includes('@') ? username : `${username}@${domain}`)
    if (jid.domain === domain && jid.local !== '' && jid.resource === '') return jid
  } catch (error) {
    if (!(error instanceof JidError)) throw error
  }
  throw new SaslError('not-authorized')
}

function isSelf(authzid: string, jid: Jid): boolean {
  try {
    return parseJid(authzid).bare.equals(jid)
  } catch {
    return false
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** RFC 6120 §6.4.2: base64 text, `=` for an empty message. */
function decodeMessage(nonza: Element): Buffer {
  const text = nonza.text().trim()
  if (text.length > MESSAGE_CHARS_MAX) throw new SaslError('malformed-request')
  if (text === '=') return Buffer.alloc(0)
  if (!BASE64.test(text) || text.length % 4 !== 0) throw new SaslError('incorrect-encoding')
  return Buffer.from(text, 'base64')
}

function encodeMessage(message: string): string {
  return Buffer.from(message).toString('base64')
}
