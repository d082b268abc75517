/** Probes against servers that answer, and against servers that do what they should not. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext, TLSSocket } from 'node:tls'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ensureCertificate } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { parseTurnUri } from '@sealpost/turn'
import type { TlsTrust } from './conversation.ts'
import { probeHkp, probeSmtp, probeStun, probeXmpp } from './probes.ts'
import { bindingRequest, isBindingSuccess } from './stun.ts'

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())

let trust: TlsTrust
let context: ReturnType<typeof createSecureContext>
beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'probe-'))
  stack.defer(() => rm(directory, { recursive: true }))
  await ensureCertificate({ directory, domains: ['localhost'], clock: systemClock, random: systemRandom })
  const file = (name: string) => readFile(join(directory, name), 'utf8')
  trust = { serverName: 'localhost', ca: [await file('ca.pem')] }
  context = createSecureContext({ cert: await file('cert.pem'), key: await file('key.pem') })
})

/** A server that plays its part to each client. */
async function serve(play: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    play(socket)
  })
  stack.defer(() => void server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** Answers the first line that fits each question, in their order; after an answer that ends with `<tls>` it goes on in TLS. */
function script(socket: Socket, steps: readonly (readonly [ask: RegExp, answer: string])[]): void {
  const [step, ...rest] = steps
  if (step === undefined) return
  const [ask, answer] = step
  const hear = (chunk: Buffer): void => {
    if (!ask.test(chunk.toString())) return
    socket.off('data', hear)
    socket.write(answer.replace(/<tls>$/, ''))
    if (!answer.endsWith('<tls>')) return script(socket, rest)
    const secured = new TLSSocket(socket, { isServer: true, secureContext: context })
    secured.on('error', () => undefined)
    script(secured, rest)
  }
  socket.on('data', hear)
}

const soon = () => AbortSignal.timeout(20_000)
const SMTP = [
  [/EHLO/, '250-localhost\r\n250-SIZE 1\r\n250 STARTTLS\r\n'],
  [/STARTTLS/, '220 go ahead\r\n<tls>'],
  [/EHLO/, '250-localhost\r\n250 AUTH SCRAM-SHA-256\r\n'],
  [/QUIT/, '221 bye\r\n'],
] as const
const greeted = (steps: typeof SMTP | readonly (readonly [RegExp, string])[]) => (socket: Socket) => {
  socket.write('220-welcome\r\n220 localhost ESMTP\r\n')
  script(socket, steps)
}

describe('SMTP', () => {
  const probe = async (steps: readonly (readonly [RegExp, string])[], change: Partial<TlsTrust> = {}) =>
    probeSmtp({ ...(await serve(greeted(steps))), submission: true }, { ...trust, ...change }, soon())

  test('a server that does all of it is good', () => expect(probe(SMTP)).resolves.toBeUndefined())
  test('a certificate of another name, or of nobody, is not', async () => {
    await expect(probe(SMTP, { serverName: 'example.org' })).rejects.toThrow()
    await expect(probe(SMTP, { ca: [] })).rejects.toThrow()
  })
  test.each([
    ['no STARTTLS', [[/EHLO/, '250 localhost\r\n']]],
    ['a refusal', [[/EHLO/, '421 go away\r\n']]],
    ['no sign-in in TLS', [SMTP[0], SMTP[1], [/EHLO/, '250 localhost\r\n']]],
  ] as [string, [RegExp, string][]][])('%s is not', async (_what, steps) => {
    const short = AbortSignal.timeout(300)
    const at = { ...(await serve(greeted(steps))), submission: true }
    await expect(probeSmtp(at, trust, short)).rejects.toThrow()
  })
})

describe('XMPP', () => {
  const features = (inner: string) =>
    `<stream:stream xmlns='jabber:client' from='localhost'><stream:features>${inner}</stream:features>`
  const all = [
    [/stream:stream/, features(`<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>`)],
    [/starttls/, `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><tls>`],
    [/stream:stream/, features(`<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)],
    [/<\/stream:stream>/, '</stream:stream>'],
  ] as const

  test('a server that opens streams is good', async () => {
    await expect(
      probeXmpp(await serve((socket) => script(socket, all)), trust, soon()),
    ).resolves.toBeUndefined()
  })

  test.each([
    ['silence', () => undefined],
    ['the end', (socket: Socket) => void socket.end()],
    ['noise without end', (socket: Socket) => void socket.write('x'.repeat(100_000))],
    ['a stream error', (socket: Socket) => script(socket, [[/stream/, '<stream:error/></stream:stream>']])],
  ] as [string, (socket: Socket) => void][])('%s is not', async (_what, play) => {
    await expect(probeXmpp(await serve(play), trust, AbortSignal.timeout(300))).rejects.toThrow()
  })

  test('nobody is not', async () => {
    await expect(probeXmpp({ host: '127.0.0.1', port: 1 }, trust, soon())).rejects.toThrow()
  })
})

test('HKP: only 404 for a key of nobody is good', async () => {
  const answer = (status: string) => (socket: Socket) =>
    script(socket, [[/pks\/lookup/, `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`]])
  await expect(probeHkp(await serve(answer('404 Not Found')), soon())).resolves.toBeUndefined()
  await expect(probeHkp(await serve(answer('503 Away')), soon())).rejects.toThrow()
  await expect(probeHkp(await serve(answer('200 OK')), soon())).rejects.toThrow()
})

describe('STUN', () => {
  const transaction = Buffer.from('0123456789ab')
  const attribute = Buffer.from('0020000800011234e112a643', 'hex')
  const success = (change: (message: Buffer) => void = () => undefined) => {
    const message = Buffer.concat([bindingRequest(transaction), attribute])
    message.writeUInt16BE(0x0101, 0)
    message.writeUInt16BE(attribute.length, 2)
    change(message)
    return message
  }

  test('a request has the shape of RFC 8489 §5', () => {
    expect(bindingRequest(transaction).toString('hex')).toBe(`000100002112a442${transaction.toString('hex')}`)
  })

  test('only a success of this transaction that names an address is an answer', () => {
    expect(isBindingSuccess(success(), transaction)).toBe(true)
    const wrong = [
      success((message) => message.writeUInt16BE(0x0111, 0)),
      success((message) => message.writeUInt32BE(1, 4)),
      success((message) => message.writeUInt8(1, 8)),
      success((message) => message.writeUInt16BE(0, 2)),
      success((message) => message.writeUInt16BE(16, 2)),
      success((message) => message.writeUInt16BE(0x0001, 20)),
      success().subarray(0, 19),
    ]
    for (const message of wrong) expect(isBindingSuccess(message, transaction)).toBe(false)
  })

  test('any bytes are judged without harm (seeded)', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, framed) => {
        const message = framed ? Buffer.concat([success().subarray(0, 20), bytes]) : Buffer.from(bytes)
        expect(typeof isBindingSuccess(message, transaction)).toBe('boolean')
      }),
      { interruptAfterTimeLimit: 2_000 },
    )
  })

  test('a server over UDP is asked again when a packet is lost', async () => {
    const server = createSocket('udp4')
    stack.defer(() => void server.close())
    let asked = 0
    server.on('message', (message, from) => {
      if (++asked === 1) return
      const answer = Buffer.concat([message, attribute])
      answer.writeUInt16BE(0x0101, 0)
      answer.writeUInt16BE(attribute.length, 2)
      server.send(answer, from.port, from.address)
    })
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const service = parseTurnUri(`turn:127.0.0.1:${String(server.address().port)}`)
    if (service === undefined) throw new Error('no URI')
    await expect(probeStun(service, trust, soon())).resolves.toBeUndefined()
    expect(asked).toBeGreaterThanOrEqual(2)
  })
})
