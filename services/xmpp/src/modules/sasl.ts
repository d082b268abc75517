/**
 * SASL (RFC 6120 §6) with SCRAM, with and without channel binding, and with PLAIN for app passwords where the operator says so. Only over
 * TLS; the server holds verifiers, never a password. A name that does not exist goes through the same exchange as one that does.
 */
import { SaslError } from '@sealpost/sasl'
import { type Element, element, NS_SASL, NS_SASL_CB, StreamError } from '@sealpost/stanza'
import { defineModule, type Module, type Stream } from '../core/module.ts'
import { type SignIn, type SignInOptions, SignIns } from './sasl/sign-in.ts'

declare module '../core/stream.ts' {
  interface StreamData {
    sasl?: SignIn
  }
}

/** Of this profile alone: clients that know the other one know SCRAM. */
const PLAIN = 'PLAIN'

export const sasl = (options: SignInOptions): Module =>
  defineModule({
    name: 'sasl',
    implements: ['RFC 6120', 'RFC 4616', 'RFC 5802', 'RFC 7677', 'RFC 9266', 'RFC 5929', 'XEP-0440 1.0.0'],
    setup(host) {
      const signIns = new SignIns(host, options)
      host.provide('signIns', signIns)
      host.hook('stream/features', ({ stream, features }) => {
        if (stream.secure && !stream.account) features.push(...saslFeatures(signIns, stream))
        return undefined
      })
      host.onNonza(NS_SASL, 'auth', (stream, nonza) =>
        answering(signIns, stream, start(signIns, stream, nonza)),
      )
      host.onNonza(NS_SASL, 'response', (stream, nonza) =>
        answering(signIns, stream, proceed(signIns, stream, nonza)),
      )
      host.onNonza(NS_SASL, 'abort', (stream) =>
        answering(signIns, stream, Promise.reject(new SaslError('aborted'))),
      )
    },
  })

/** RFC 6120 §6.3.3; XEP-0440 §2 names the channel bindings that this connection has. */
function saslFeatures(signIns: SignIns, stream: Stream): Element[] {
  const { mechanisms, bindings } = signIns.offer(stream)
  const names = signIns.takesPlain ? [...mechanisms, PLAIN] : mechanisms
  const list = element(
    'mechanisms',
    NS_SASL,
    {},
    ...names.map((name) => element('mechanism', NS_SASL, {}, name)),
  )
  if (bindings === undefined) return [list]
  const types = bindings.map((type) => element('channel-binding', NS_SASL_CB, { type }))
  return [list, element('sasl-channel-binding', NS_SASL_CB, {}, ...types)]
}

async function start(signIns: SignIns, stream: Stream, nonza: Element): Promise<void> {
  if (stream.account) throw new StreamError('unsupported-stanza-type')
  if (stream.data.sasl2) throw new StreamError('policy-violation') // XEP-0388 §2.4
  const { mechanism } = nonza.attrs
  const signIn = mechanism === PLAIN ? signIns.beginPlain(stream) : signIns.begin(stream, mechanism, false)
  await advance(signIns, stream, signIn, nonza)
}

async function proceed(signIns: SignIns, stream: Stream, nonza: Element): Promise<void> {
  const signIn = stream.data.sasl
  if (!signIn) throw new SaslError('malformed-request')
  await advance(signIns, stream, signIn, nonza)
}

async function advance(signIns: SignIns, stream: Stream, signIn: SignIn, nonza: Element): Promise<void> {
  const step = await signIn.next(messageOf(signIns, nonza))
  if ('challenge' in step) {
    stream.data.sasl = signIn
    stream.send(`<challenge xmlns='${NS_SASL}'>${step.challenge.toString('base64')}</challenge>`)
    return
  }
  delete stream.data.sasl
  stream.send(`<success xmlns='${NS_SASL}'>${step.final.toString('base64')}</success>`)
  stream.authenticated(step.account)
}

async function answering(signIns: SignIns, stream: Stream, work: Promise<void>): Promise<void> {
  try {
    await work
    if (stream.account) signIns.succeeded(stream)
  } catch (error) {
    signIns.refuse(stream, error, (condition) => {
      delete stream.data.sasl
      stream.send(`<failure xmlns='${NS_SASL}'><${condition}/></failure>`)
    })
  }
}

/** RFC 6120 §6.4.2: base64 text, `=` for an empty message. */
function messageOf(signIns: SignIns, nonza: Element): Buffer {
  const text = nonza.text().trim()
  return signIns.decode(text === '=' ? '' : text)
}
