/**
 * RFC 1035 §4.2: one question to one server: over UDP from a port that the kernel draws, over TCP when the answer was cut off or when what comes back looks forged
 * (RFC 5452 §9).
 */
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Clock, Random } from '@sealpost/runtime'
import { encodeQuery, readResponse } from './dns-message.ts'
import type { DnsMessage } from './dns-message.ts'

export interface DnsServer {
  readonly address: string
  readonly port: number
}

export interface ExchangeOptions {
  readonly server: DnsServer
  readonly question: Buffer
  readonly timeoutMs: number
  readonly clock: Clock
  readonly random: Random
}

/** Wrong answers over UDP before the question goes over TCP: guesses of the id. */
const STRANGERS_MAX = 3
const MESSAGE_BYTES_MAX = 65_535

/** Undefined: no answer in time, or none that can be read. */
export async function exchange(options: ExchangeOptions): Promise<DnsMessage | undefined> {
  const { question, random, clock, timeoutMs } = options
  const id = random.bytes(2).readUInt16BE()
  const query = encodeQuery(id, question)
  const until = clock.monotonic() + timeoutMs
  const answer = await overUdp(options, id, query)
  if (answer !== 'suspect' && answer?.truncated !== true) return answer
  return overTcp({ ...options, timeoutMs: until - clock.monotonic() }, id, query)
}

function overUdp(
  { server: { address, port }, question, timeoutMs, clock }: ExchangeOptions,
  id: number,
  query: Buffer,
): Promise<DnsMessage | 'suspect' | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    let strangers = 0
    let closed = false
    const done = (result: DnsMessage | 'suspect' | undefined): void => {
      if (closed) return
      closed = true
      limit[Symbol.dispose]()
      socket.close()
      resolve(result)
    }
    const limit = clock.after(timeoutMs, () => done(undefined))
    socket.on('error', () => done(undefined))
    socket.on('message', (bytes) => {
      const message = readResponse(bytes)
      if (message?.id === id && message.answers(question)) done(message)
      else if ((strangers += 1) >= STRANGERS_MAX || message?.id === id) done('suspect')
    })
    // Connected: the kernel drops what others send.
    socket.connect(port, address, () => {
      if (!closed) socket.send(query)
    })
  })
}

function overTcp(
  { server: { address, port }, question, timeoutMs, clock }: ExchangeOptions,
  id: number,
  query: Buffer,
): Promise<DnsMessage | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    let received = Buffer.alloc(0)
    const done = (result: DnsMessage | undefined): void => {
      limit[Symbol.dispose]()
      socket.destroy()
      resolve(result)
    }
    const limit = clock.after(timeoutMs, () => done(undefined))
    socket.on('error', () => done(undefined))
    socket.on('close', () => done(undefined))
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const length = received.length < 2 ? MESSAGE_BYTES_MAX : received.readUInt16BE()
      if (received.length < 2 + length) return
      const message = readResponse(received.subarray(2, 2 + length))
      done(message?.id === id && message.answers(question) && !message.truncated ? message : undefined)
    })
    const prefix = Buffer.alloc(2)
    prefix.writeUInt16BE(query.length)
    socket.write(Buffer.concat([prefix, query]))
  })
}
