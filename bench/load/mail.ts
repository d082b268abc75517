/** The load of the benchmark `mail`: a process of its own, started by bench/mail.ts on its own core, with smtp-source and smtp-sink beside it on that core. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readPeakBytes } from '../proc.ts'
import { Meter, type Cost } from './cost.ts'
import { MailSink } from './mail-sink.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface MailOrders {
  readonly port: number
  /** Where the relay takes everything; nobody listens there yet. */
  readonly sinkPort: number
  readonly serverRoots: readonly number[]
  readonly serverCore: number
  readonly sessions: number
  readonly messages: number
  /** Before them, not counted; 0: none. */
  readonly warmUp: number
  /** Of one mail's body. */
  readonly bytes: number
}

export interface MailReport {
  readonly messages: number
  /** From the first connection to the last 250. */
  readonly acceptSeconds: number
  /** From the first connection to the last mail in the sink. */
  readonly deliver: Cost
  /** Of the first process of the server, in its whole life. */
  readonly peakBytes: number
}

const STALL_MS = 20_000
/** What a server puts off counts to its processor seconds when it happens this soon. */
const AFTERMATH_MS = 3_000

async function run(orders: MailOrders): Promise<MailReport> {
  const { messages, warmUp, serverRoots } = orders
  await using sink = await MailSink.open(orders.sinkPort)
  if (warmUp > 0) {
    await send(orders, warmUp)
    await sink.until(warmUp, STALL_MS)
    await rest()
  }
  const meter = new Meter(orders)
  const began = performance.now()
  await send(orders, messages)
  const acceptSeconds = (performance.now() - began) / 1_000
  await sink.until(warmUp + messages, STALL_MS)
  meter.lap()
  await rest()
  const deliver = meter.read()
  if (sink.count !== warmUp + messages) throw new Error(`${sink.count} mails have come: too many`)
  return { messages, acceptSeconds, deliver, peakBytes: readPeakBytes(serverRoots[0] ?? 0) }
}

/** Resolves when all are accepted. */
async function send({ port, sessions, bytes }: MailOrders, messages: number): Promise<void> {
  const numbers = ['-s', String(sessions), '-m', String(messages), '-l', String(bytes)]
  const addresses = ['-f', 'sender@source.example', '-t', 'recipient@sink.example']
  const child = spawn('smtp-source', [...numbers, ...addresses, `127.0.0.1:${String(port)}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('smtp-source failed')
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS))
}

sendReport(await run((await receiveOrders()) as MailOrders))
