/**
 * Benchmark `chat`: live messages per second on one core. How servers and load are run: bench/rounds.ts.
 *
 * What is sent: 100 pairs of accounts sign in over direct TLS (1.3, P-256 certificate, AES-256-GCM, no session resumption) with SCRAM-SHA-256,
 * bind, and enable XEP-0198 with resumption. Both ends of a pair write to each other's bare address; each message is an OMEMO message whose
 * `<encrypted/>` has 600 bytes (header, two keys, iv, payload), with the encryption label, a store hint and a fallback body. Every `<r/>` of the
 * server is answered; the sender asks after each message, as Conversations and Dino do.
 * What is measured, after a third as many messages that are not, so that code is compiled: (1) a fixed number of messages with a bounded window per direction, as fast as the server goes: rate, and processor seconds of the
 * server's process tree; (2) a fixed number at 1,000 a second on a schedule that does not wait for the server: latency from due to received.
 * Every message must arrive exactly once and in order, or the run fails.
 */
import type { ChatOrders, ChatReport, Stretch } from './load/chat.ts'
import {
  Bench,
  describeShares,
  interleave,
  printTable,
  readSettings,
  runLoad,
  type Figure,
} from './rounds.ts'

const DEFAULTS = {
  pairs: 100,
  window: 4,
  'ack-every': 1,
  messages: 60_000,
  rate: 1_000,
  'rate-messages': 5_000,
  rounds: 5,
}

const rate = (stretch: Stretch): number => stretch.messages / stretch.seconds
const perCpuSecond = (stretch: Stretch): number => stretch.messages / stretch.serverCpuSeconds

export async function chat(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { pairs, window, messages, rounds, rate: pacedRate } = numbers
  await using bench = await Bench.create(pairs * 2)
  const load = {
    window,
    ackEvery: numbers['ack-every'],
    messages,
    warmUp: Math.ceil(messages / 3),
    pacedRate,
    pacedMessages: numbers['rate-messages'],
  }
  const reports = await interleave(
    bench,
    servers,
    rounds,
    (place) => runLoad<ChatReport>('chat.ts', { ...load, ...place } satisfies ChatOrders),
    printRound,
  )
  const [[, [first] = []] = []] = reports
  console.log(
    `\nmedians of ${rounds} rounds; ${pairs} pairs, ${window} messages under way each way, ` +
      `${first?.messageBytes} bytes a message, ${messages} messages a round; ${first?.cipher}\n`,
  )
  printTable(reports, figuresOf(pacedRate), ['messages per second', 'messages per processor second'])
}

function printRound(round: number, name: string, { fast, paced, signInSeconds }: ChatReport): void {
  console.log(
    `round ${round}  ${name.padEnd(9)} ${Math.round(rate(fast)).toString().padStart(6)} msg/s  ${describeShares(fast)}` +
      `  paced p99 ${paced.latenciesMs.p99.toFixed(1)} ms  sign-in ${signInSeconds.toFixed(1)} s`,
  )
}

function figuresOf(pacedRate: number): readonly Figure<ChatReport>[] {
  return [
    ['messages per second', 0, ({ fast }) => rate(fast)],
    ['messages per processor second', 0, ({ fast }) => perCpuSecond(fast)],
    ['processor seconds per 1,000', 4, ({ fast }) => 1_000 / perCpuSecond(fast)],
    [`  the same at ${pacedRate}/s`, 4, ({ paced }) => 1_000 / perCpuSecond(paced)],
    [`latency p50 at ${pacedRate}/s, ms`, 2, ({ paced }) => paced.latenciesMs.p50],
    [`latency p99 at ${pacedRate}/s, ms`, 2, ({ paced }) => paced.latenciesMs.p99],
    ['written to storage, bytes a message', 1, ({ fast }) => fast.writtenBytes / fast.messages],
    [`  the same at ${pacedRate}/s`, 1, ({ paced }) => paced.writtenBytes / paced.messages],
    ['memory (Pss), MiB', 0, ({ memoryBytes }) => memoryBytes / 1_048_576],
    ['server busy, % of its core', 0, ({ fast }) => (fast.serverCpuSeconds / fast.seconds) * 100],
    ['load busy, % of its core', 0, ({ fast }) => (fast.loadCpuSeconds / fast.seconds) * 100],
  ]
}
