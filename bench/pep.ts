/**
 * Benchmark `pep`: what an account publishes goes to those of its contacts whose clients want it (XEP-0163 §4, filtered by XEP-0115). How servers and load are run: bench/rounds.ts.
 *
 * What is done: 1,000 contacts of one account (subscribed both ways) are there, half of them with clients that want the node (`+notify` in their capabilities, which the server finds out
 * once for each of two kinds). The account publishes a payload of 1,000 bytes, the node keeping the newest item. What is measured, after a third as many publications that are not: (1) with
 * four publications under way: publications a second, notifications by processor second; (2) one at a time: from a publication to the last notification.
 * Every notification must arrive exactly once, in order, at those who want it, and at nobody else, or the run fails.
 */
import type { PepOrders, PepReport } from './load/pep.ts'
import {
  Bench,
  describeShares,
  interleave,
  printTable,
  readSettings,
  runLoad,
  type Figure,
} from './rounds.ts'

const DEFAULTS = { contacts: 1_000, publications: 300, window: 4, singles: 100, rounds: 5 }
/** Signing in and subscribing are not what is measured, and may take their time. */
const LIMIT_MS = 600_000

const FIGURES: readonly Figure<PepReport>[] = [
  ['publications per second', 1, ({ fast }) => fast.publications / fast.seconds],
  ['notifications per processor second', 0, ({ fast }) => fast.notifications / fast.serverCpuSeconds],
  ['one at a time, p50 to the last, ms', 1, ({ single }) => single.p50],
  ['one at a time, p99 to the last, ms', 1, ({ single }) => single.p99],
  ['server busy, % of its core', 0, ({ fast }) => (fast.serverCpuSeconds / fast.seconds) * 100],
  ['load busy, % of its core', 0, ({ fast }) => (fast.loadCpuSeconds / fast.seconds) * 100],
]

export async function pep(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { contacts, publications, window, singles, rounds } = numbers
  await using bench = await Bench.create(contacts + 1)
  const orders = { contacts, publications, warmUp: Math.ceil(publications / 3), window, singles }
  const reports = await interleave(
    bench,
    servers,
    rounds,
    (place) => runLoad<PepReport>('pep.ts', { ...place, ...orders } satisfies PepOrders, LIMIT_MS),
    (round, name, { fast, single }) => {
      const rate = (fast.publications / fast.seconds).toFixed(1)
      console.log(
        `round ${round}  ${name.padEnd(9)} ${rate.padStart(6)} publications/s  p50 ${single.p50.toFixed(1)} ms  ${describeShares(fast)}`,
      )
    },
  )
  console.log(
    `\nmedians of ${rounds} rounds; ${contacts} contacts, half of them notified, ${publications} publications, ${window} under way\n`,
  )
  printTable(
    reports,
    FIGURES,
    FIGURES.slice(0, 2).map(([label]) => label),
  )
}
