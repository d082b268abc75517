/**
 * Benchmark `shred`: how long the key of an acknowledged message is still on disk, under full load. One server, pinned and loaded as in bench/queue.ts: round after round
 * 100 senders write to devices that are away, and all devices return and acknowledge as fast as they are served.
 *
 * What is measured: the server's own histogram `shred_lag_seconds`, from the moment when an acknowledgement has destroyed keys in memory until they are overwritten and synced,
 * the longest of each batch that is written together, such as one acknowledgement's; so a figure for all acknowledgements would be lower. The server is told by nobody that it is measured. Percentiles are interpolated within the
 * bounds of the histogram, of which 50 ms is one: whether the goal is met does not depend on that.
 */
import { describeLag, readLag, type Lag } from './lag.ts'
import type { QueueOrders, QueueReport } from './load/queue.ts'
import { Bench, describeShares, readSettings, runLoad } from './rounds.ts'

const DEFAULTS = { pairs: 100, window: 10, messages: 200, rounds: 5 }
const GOAL = { seconds: 0.05, share: 0.99 }

export async function shred(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, DEFAULTS, ['sealpost'])
  const { pairs, window, messages, rounds } = numbers
  await using bench = await Bench.create(pairs * 2)
  await using server = await bench.start('sealpost')
  const place = bench.placeOf(server)
  const read = async (): Promise<Lag> => readLag(await server.metrics?.())
  const first = await read()
  for (let round = 1, before = first; round <= rounds; round++) {
    const report = await runLoad<QueueReport>('queue.ts', {
      ...place,
      window,
      messages,
    } satisfies QueueOrders)
    const after = await read()
    const rate = Math.round(report.messages / report.drain.seconds)
    console.log(
      `round ${round}  drain ${rate} msg/s  ${describeShares(report.drain)}  ${describeLag(before, after)}`,
    )
    before = after
  }
  const last = await read()
  const within = last.within(GOAL.seconds, first)
  console.log(
    `\n${rounds} rounds; ${pairs} devices, ${messages} messages for each: ${describeLag(first, last)}\n` +
      `within ${GOAL.seconds * 1000} ms: ${(within * 100).toFixed(2)} % of batches; goal ${GOAL.share * 100} %, ${within >= GOAL.share ? 'met' : 'MISSED'}`,
  )
}
