/**
 * Benchmark `signin`: sign-ins per second. How servers and load are run: bench/rounds.ts.
 *
 * What is done: 20 at a time, 2,000 in all after 1,000 that are not measured, by 200 accounts in turn: TCP, TLS 1.3 with a P-256 certificate,
 * X25519 and a full handshake (no session resumption), SCRAM-SHA-256, bind, XEP-0198 enabled with resumption, then the stream is closed cleanly.
 * The client keeps its keys, as clients do, so that the iteration count (Sealpost and Prosody 10,000, ejabberd 4,096), which costs the server
 * nothing, does not slow the load down.
 */
import type { SignInOrders, SignInReport } from './load/sign-in.ts'
import {
  Bench,
  describeShares,
  interleave,
  printTable,
  readSettings,
  runLoad,
  type Figure,
} from './rounds.ts'

const DEFAULTS = { accounts: 200, 'sign-ins': 2_000, 'at-once': 20, 'warm-up': 1_000, rounds: 5 }

const FIGURES: readonly Figure<SignInReport>[] = [
  ['sign-ins per second', 0, (report) => report.signIns / report.seconds],
  ['sign-ins per processor second', 0, (report) => report.signIns / report.serverCpuSeconds],
  ['processor milliseconds each', 2, (report) => (report.serverCpuSeconds / report.signIns) * 1_000],
  ['server busy, % of its core', 0, (report) => (report.serverCpuSeconds / report.seconds) * 100],
  ['load busy, % of its core', 0, (report) => (report.loadCpuSeconds / report.seconds) * 100],
]

export async function signIn(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { accounts, rounds, 'sign-ins': signIns, 'at-once': atOnce, 'warm-up': warmUp } = numbers
  await using bench = await Bench.create(accounts)
  const reports = await interleave(
    bench,
    servers,
    rounds,
    (place) =>
      runLoad<SignInReport>('sign-in.ts', { ...place, warmUp, signIns, atOnce } satisfies SignInOrders),
    (round, name, report) => {
      const rate = Math.round(report.signIns / report.seconds).toString()
      console.log(
        `round ${round}  ${name.padEnd(9)} ${rate.padStart(5)} sign-ins/s  ${describeShares(report)}`,
      )
    },
  )
  const [[, [first] = []] = []] = reports
  console.log(
    `\nmedians of ${rounds} rounds; ${signIns} sign-ins, ${atOnce} at once, ${accounts} accounts; ${first?.cipher}\n`,
  )
  printTable(reports, FIGURES, ['sign-ins per second', 'sign-ins per processor second'])
}
