/** XEP-0388 from the client's side: one request, its answer, and what came with it. */
import { randomBytes } from 'node:crypto'
import { type ScramHash, scramClient, type SaslOffer, writeHashedToken } from '@sealpost/sasl'
import {
  type Element,
  NS_BIND2,
  NS_DEVICE,
  NS_FAST,
  NS_SASL2,
  NS_SASL_CB,
  NS_SM,
  NS_STREAM,
} from '@sealpost/stanza'
import type { TestClient } from './client.ts'

export interface Request2 {
  readonly username: string
  readonly password?: string
  /** Signs in with this token instead of the password. */
  readonly token?: string
  /** Any that the server offers: SCRAM-SHA-256 unless told, HT-SHA-256-NONE with a token. */
  readonly mechanism?: string
  readonly userAgent?: string
  /** Attributes of what the client says of its device. */
  readonly hardware?: string
  /** XML inside `<authenticate/>`. */
  readonly inline?: string
  /** Attributes of `<fast/>`. */
  readonly fast?: string
}

export const BIND = `<bind xmlns='${NS_BIND2}'/>`
export const bindWith = (inner: string) => `<bind xmlns='${NS_BIND2}'>${inner}</bind>`
export const ENABLE = `<enable xmlns='${NS_SM}' resume='true'/>`
export const requestToken = (mechanism = 'HT-SHA-256-NONE') =>
  `<request-token xmlns='${NS_FAST}' mechanism='${mechanism}'/>`

/** Asks; resolves with `<success/>`, `<failure/>` or `<continue/>`. */
export async function signIn2(client: TestClient, request: Request2): Promise<Element> {
  return request.token === undefined
    ? withPassword(client, request)
    : withToken(client, request, request.token)
}

async function withPassword(client: TestClient, request: Request2): Promise<Element> {
  const { username, password = 'secret', mechanism = 'SCRAM-SHA-256' } = request
  const plus = mechanism.endsWith('-PLUS')
  const hash: ScramHash = mechanism.includes('256') ? 'SHA-256' : 'SHA-1'
  const binding = plus ? { channelBinding: client.channelBinding('tls-exporter') } : {}
  const offer = offerOf(client)
  const tlsVersion = client.tlsVersion === 'TLSv1.2' ? '0303' : '0304'
  const seen = { offer, tlsVersion, ...binding }
  const scram = scramClient({ hash, plus, username, password, random: randomBytes, ...seen })
  client.sendRaw(authenticate(mechanism, Buffer.from(scram.first()), request, request.inline ?? ''))
  const challenge = await answer2(client)
  if (challenge.name !== 'challenge') return challenge
  const final = await scram.final(Buffer.from(challenge.text(), 'base64').toString())
  client.sendRaw(`<response xmlns='${NS_SASL2}'>${Buffer.from(final).toString('base64')}</response>`)
  const answer = await answer2(client)
  if (answer.name !== 'failure')
    scram.verify(Buffer.from(answer.child('additional-data')?.text() ?? '', 'base64').toString())
  return answer
}

async function withToken(client: TestClient, request: Request2, token: string): Promise<Element> {
  const { username, mechanism = 'HT-SHA-256-NONE' } = request
  const message = writeHashedToken(username, token, bindingFor(client, mechanism))
  const fast = `<fast xmlns='${NS_FAST}' ${request.fast ?? ''}/>`
  client.sendRaw(authenticate(mechanism, message, request, (request.inline ?? '') + fast))
  return answer2(client)
}

/** The channel binding of a hashed-token mechanism. */
export function bindingFor(client: TestClient, mechanism: string): Buffer {
  if (mechanism.endsWith('-EXPR')) return client.channelBinding('tls-exporter').data
  if (mechanism.endsWith('-ENDP')) return client.channelBinding('tls-server-end-point').data
  return Buffer.alloc(0)
}

export function authenticate(
  mechanism: string,
  response: Buffer,
  request: Pick<Request2, 'userAgent' | 'hardware'>,
  inline = '',
): string {
  const hardware =
    request.hardware === undefined ? '' : `<hardware xmlns='${NS_DEVICE}' ${request.hardware}/>`
  const agent =
    request.userAgent === undefined
      ? ''
      : `<user-agent id='${request.userAgent}'><software>Canary-${request.userAgent}</software>${hardware}</user-agent>`
  return (
    `<authenticate xmlns='${NS_SASL2}' mechanism='${mechanism}'>` +
    `<initial-response>${response.toString('base64')}</initial-response>${agent}${inline}</authenticate>`
  )
}

export function answer2(client: TestClient): Promise<Element> {
  return client.next((element) => element.ns === NS_SASL2)
}

/** As `signIn2`, but a failure throws; sets the client's address. */
export async function enter(client: TestClient, request: Request2): Promise<Element> {
  const success = await signIn2(client, request)
  if (success.name !== 'success') throw new Error(`not signed in: ${String(success)}`)
  client.jid = success.child('authorization-identifier')?.text() ?? ''
  if (!success.child('resumed', NS_SM)) await client.next((element) => element.is('features', NS_STREAM))
  return success
}

/** The name of a failure's condition. */
export function conditionOf(failure: Element): string {
  return failure.name === 'failure' ? (failure.elements()[0]?.name ?? '') : `no failure: ${String(failure)}`
}

export function tokenOf(success: Element): string | undefined {
  return success.child('token', NS_FAST)?.attrs['token']
}

/** What the server offered on this stream (XEP-0474). */
export function offerOf(client: TestClient): SaslOffer {
  const { features } = client
  const mechanisms = features?.child('authentication', NS_SASL2)?.childrenNamed('mechanism') ?? []
  const bindings = features?.child('sasl-channel-binding', NS_SASL_CB)?.elements()
  return {
    mechanisms: mechanisms.map((each) => each.text()),
    bindings: bindings?.map((each) => each.attrs['type'] ?? ''),
  }
}
