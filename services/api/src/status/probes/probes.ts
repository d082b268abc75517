/** What a prober does to find out whether a component serves. Each rejects when it does not. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { rootCertificates } from 'node:tls'
import { OperationalError } from '@sealpost/errors'
import type { TurnService } from '@sealpost/turn'
import { Conversation, type Endpoint, type TlsTrust } from './conversation.ts'
import { bindingRequest, isBindingSuccess, TRANSACTION_BYTES } from './stun.ts'

const failed = (what: string): OperationalError => new OperationalError('PROBE_ANSWER', what)

/** Opens a stream up to the mechanisms that are offered in TLS (RFC 6120 §4.2, §5.4, §6.4.1). */
export async function probeXmpp(at: Endpoint, trust: TlsTrust, signal: AbortSignal): Promise<void> {
  using stream = await Conversation.open(at, signal)
  const open = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${trust.serverName}' version='1.0'>`
  stream.send(open)
  await stream.until(/<starttls[\s\S]*<\/stream:features>/)
  stream.send(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`)
  await stream.until(/<proceed[^>]*>/)
  await stream.secure(trust, rootCertificates)
  stream.send(open)
  await stream.until(/<mechanisms[\s\S]*<\/stream:features>/)
  stream.send('</stream:stream>')
  await stream.until(/<\/stream:stream>/)
}

/** Greeting, EHLO, STARTTLS, EHLO (RFC 5321 §3.1, RFC 3207). `submission`: sign-in is offered, too. */
export async function probeSmtp(
  at: Endpoint & { readonly submission: boolean },
  trust: TlsTrust,
  signal: AbortSignal,
): Promise<void> {
  using session = await Conversation.open(at, signal)
  await session.until(/^220[ -][^\r\n]*\r\n/m)
  session.send('EHLO probe.invalid\r\n')
  const { input: offered } = await session.until(/^250 [^\r\n]*\r\n/m)
  if (!/^250[ -]STARTTLS\r?$/im.test(offered)) throw failed('STARTTLS is not offered')
  session.send('STARTTLS\r\n')
  await session.until(/^220 [^\r\n]*\r\n/m)
  await session.secure(trust, rootCertificates)
  session.send('EHLO probe.invalid\r\n')
  const { input } = await session.until(/^250 [^\r\n]*\r\n/m)
  if (at.submission && !/^250[ -]AUTH /im.test(input)) throw failed('AUTH is not offered')
  session.send('QUIT\r\n')
  await session.until(/^221 [^\r\n]*\r\n/m)
}

const NOBODYS_FINGERPRINT = '0'.repeat(40)

/** Looks a certificate up that nobody has (HKP): 404 is the right answer, 503 is not. */
export async function probeHkp({ host, port }: Endpoint, signal: AbortSignal): Promise<void> {
  const url = `http://${bracket(host)}:${String(port)}/pks/lookup?op=get&options=mr&search=0x${NOBODYS_FINGERPRINT}`
  const response = await fetch(url, { redirect: 'manual', signal })
  await response.body?.cancel()
  if (response.status !== 404) throw failed('The directory does not answer as one')
}

/** GET /readyz of an origin. */
export async function probeReady(origin: string, signal: AbortSignal): Promise<void> {
  const response = await fetch(new URL('/readyz', origin), { redirect: 'manual', signal })
  await response.body?.cancel()
  if (response.status !== 200) throw failed('It says that it cannot serve')
}

const RETRANSMIT_MS = 1_000

/** A STUN binding (RFC 8489 §6.2), repeated while nobody answers; over TCP or TLS where the service is. */
export async function probeStun(service: TurnService, trust: TlsTrust, signal: AbortSignal): Promise<void> {
  const transaction = randomBytes(TRANSACTION_BYTES)
  const request = bindingRequest(transaction)
  if (service.transport === 'udp' && !service.type.endsWith('s'))
    return askByDatagram(service, request, transaction, signal)
  using stream = await Conversation.open(service, signal)
  if (service.type.endsWith('s'))
    await stream.secure({ ...trust, serverName: service.host }, rootCertificates)
  stream.send(request)
  const { input } = await stream.until(/[\s\S]{32,}/)
  if (!isBindingSuccess(Buffer.from(input, 'latin1'), transaction)) throw failed('That is no answer')
}

async function askByDatagram(
  { host, port }: Endpoint,
  request: Buffer,
  transaction: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('message', (message) => {
    if (isBindingSuccess(message, transaction)) resolve()
  })
  socket.on('error', reject)
  signal.addEventListener('abort', () => reject(failed('Nobody answered')))
  const send = (): void => socket.send(request, port, host, (error) => error && reject(error))
  const repeat = setInterval(send, RETRANSMIT_MS)
  try {
    send()
    await promise
  } finally {
    clearInterval(repeat)
    socket.close()
  }
}

const bracket = (host: string): string => (host.includes(':') ? `[${host}]` : host)
