/** The load of the second part of the benchmark `mail`: greetings of the relay, while it takes a body that is nothing but dots. On its own core. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { MailSink } from './mail-sink.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface DotsOrders {
  readonly port: number
  readonly sinkPort: number
  /** Of the body as it is sent, two dots and CRLF a line. */
  readonly bytes: number
}

export interface DotsReport {
  /** Milliseconds from a connection's beginning to its greeting, in order, while nothing else happens and while the body comes in. */
  readonly alone: readonly number[]
  readonly beside: readonly number[]
  /** What the body took, until its reply. */
  readonly seconds: number
}

const LINES = Buffer.alloc(64 * 1024, '..\r\n')
const EVERY_MS = 10
const STALL_MS = 20_000

async function run({ port, sinkPort, bytes }: DotsOrders): Promise<DotsReport> {
  await using sink = await MailSink.open(sinkPort)
  await greetings(port, rest(500)) // for nothing, so that code is compiled
  const began = performance.now()
  const beside = await greetings(port, sendDots(port, bytes))
  const seconds = (performance.now() - began) / 1_000
  await sink.until(1, STALL_MS)
  const alone = await greetings(port, rest(seconds * 1_000))
  return { alone, beside, seconds }
}

/** One after the other, until `end` resolves; sorted. */
async function greetings(port: number, end: Promise<unknown>): Promise<number[]> {
  const times: number[] = []
  const state = { ended: false }
  const ending = end.finally(() => (state.ended = true))
  while (!state.ended) {
    const began = performance.now()
    const socket = connect(port, '127.0.0.1')
    await reply(socket)
    times.push(performance.now() - began)
    socket.end('QUIT\r\n')
    socket.resume()
    await rest(EVERY_MS)
  }
  await ending
  return times.sort((a, b) => a - b)
}

async function sendDots(port: number, bytes: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  await reply(socket)
  for (const line of [
    'EHLO dots.example',
    'MAIL FROM:<sender@source.example>',
    'RCPT TO:<recipient@sink.example>',
    'DATA',
  ]) {
    socket.write(`${line}\r\n`)
    await reply(socket)
  }
  socket.write('Subject: dots\r\n\r\n')
  for (let sent = 0; sent < bytes; sent += LINES.length) if (!socket.write(LINES)) await once(socket, 'drain')
  socket.write('.\r\n')
  const answer = await reply(socket)
  if (!answer.startsWith('250')) throw new Error(`the dots were answered with ${answer}`)
  socket.end('QUIT\r\n')
}

async function reply(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  return bytes.toString('latin1')
}

function rest(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

sendReport(await run((await receiveOrders()) as DotsOrders))
