/**
 * Benchmark `seal`: what sealing costs. The same build beside itself with ciphers that change nothing, and keyrings whose disk takes nothing (bench/servers/unsealed.ts),
 * in turns. How servers and load are run: bench/rounds.ts; what is sent and measured: bench/queue.ts.
 *
 * What differs: making keys, AES-256-GCM of each message when it is accepted and when it is read, and writing and syncing the keyring, when a message is accepted and when
 * its key is overwritten. What stays on both sides: padding, rows, and the table of slots in memory, in which queues are kept.
 * The cost of a round is by how much less the sealing server did than the other one right after it; printed are the medians of the rounds.
 */
import type { QueueOrders, QueueReport } from './load/queue.ts'
import { FIGURES, printRound } from './queue.ts'
import { Bench, interleave, median, printTable, readSettings, runLoad, type Figure } from './rounds.ts'

const DEFAULTS = { pairs: 100, window: 10, messages: 200, rounds: 7 }

/** By how much less may be done, of the figure without sealing. */
const GOALS: readonly (readonly [figure: string, costMax: number])[] = [
  ['accepted per second', 0.15],
  ['drained per second', 0.1],
]

export async function seal(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, DEFAULTS, ['sealpost'])
  const { pairs, window, messages, rounds } = numbers
  await using bench = await Bench.create(pairs * 2)
  const reports = await interleave(
    bench,
    ['sealpost', 'unsealed'],
    rounds,
    (place) => runLoad<QueueReport>('queue.ts', { ...place, window, messages } satisfies QueueOrders),
    printRound,
  )
  console.log(
    `\nmedians of ${rounds} rounds; ${pairs} devices away, ${messages} messages for each, ${window} unacknowledged\n`,
  )
  printTable(
    reports,
    FIGURES,
    FIGURES.map(([label]) => label),
  )
  const [sealed = [], unsealed = []] = [...reports.values()]
  for (const figure of FIGURES) console.log(`cost of ${figure[0]}: ${costOf(figure, sealed, unsealed)}`)
}

function costOf(
  [label, , of]: Figure<QueueReport>,
  sealed: readonly QueueReport[],
  unsealed: readonly QueueReport[],
): string {
  const costs = sealed.flatMap((report, round) => {
    const other = unsealed[round]
    return other === undefined ? [] : [1 - of(report) / of(other)]
  })
  const cost = median(costs)
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`
  const range = `${percent(Math.min(...costs))} to ${percent(Math.max(...costs))}`
  const goal = GOALS.find(([figure]) => figure === label)
  if (goal === undefined) return `${percent(cost)} (${range})`
  const [, costMax] = goal
  return `${percent(cost)} (${range}); goal at most ${percent(costMax)}, ${cost <= costMax ? 'met' : 'MISSED'}`
}
