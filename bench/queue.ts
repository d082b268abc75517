/**
 * Benchmarks `accept` and `drain`: messages for devices that are away, and their return. One run measures both. How servers and load are run:
 * bench/rounds.ts.
 *
 * What is sent: as in bench/chat.ts, but each of 100 senders writes 200 messages to one recipient whose only device has signed in twice before
 * and is away. Ten messages of a sender may be unacknowledged (Dino's limit), and it asks after each.
 * What is measured: `accept` from the first message until the server has acknowledged the last by XEP-0198. For Sealpost that means sealed, the key
 * synced to disk and the row committed; ejabberd (Mnesia) and Prosody (files) acknowledge what they have handled, and do not sync it.
 * `drain` from the moment when all devices, signed in already, send presence, until the last message has arrived. Every message must arrive
 * exactly once and in order, or the run fails. Processor seconds count until three seconds after the clients have left, so that what a server puts off
 * counts too.
 */
import type { QueueOrders, QueueReport } from './load/queue.ts'
import {
  Bench,
  describeShares,
  interleave,
  printTable,
  readSettings,
  runLoad,
  type Figure,
} from './rounds.ts'

const DEFAULTS = { pairs: 100, window: 10, messages: 200, rounds: 5 }

export const FIGURES: readonly Figure<QueueReport>[] = [
  ['accepted per second', 0, ({ messages, accept }) => messages / accept.seconds],
  ['accepted per processor second', 0, ({ messages, accept }) => messages / accept.serverCpuSeconds],
  ['drained per second', 0, ({ messages, drain }) => messages / drain.seconds],
  ['drained per processor second', 0, ({ messages, drain }) => messages / drain.serverCpuSeconds],
]

export async function queue(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { pairs, window, messages, rounds } = numbers
  await using bench = await Bench.create(pairs * 2)
  const reports = await interleave(
    bench,
    servers,
    rounds,
    (place) => runLoad<QueueReport>('queue.ts', { ...place, window, messages } satisfies QueueOrders),
    printRound,
  )
  const [[, [first] = []] = []] = reports
  console.log(
    `\nmedians of ${rounds} rounds; ${pairs} devices away, ${messages} messages of ${first?.messageBytes} bytes for each, ${window} unacknowledged\n`,
  )
  printTable(
    reports,
    FIGURES,
    FIGURES.map(([label]) => label),
  )
}

export function printRound(round: number, name: string, { messages, accept, drain }: QueueReport): void {
  const rate = (seconds: number): string =>
    Math.round(messages / seconds)
      .toString()
      .padStart(6)
  console.log(
    `round ${round}  ${name.padEnd(9)} accept ${rate(accept.seconds)} msg/s  ${describeShares(accept)}`,
  )
  console.log(`${''.padEnd(18)} drain  ${rate(drain.seconds)} msg/s  ${describeShares(drain)}`)
}
