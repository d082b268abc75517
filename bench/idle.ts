/**
 * Benchmark `idle`: memory of a session that does nothing. How servers and load are run: bench/rounds.ts; but each round starts each server anew,
 * one at a time, because memory that was in use once is not given back.
 *
 * What is done: 10,000 accounts sign in over direct TLS 1.3 with SCRAM-SHA-256, bind, enable XEP-0198 with resumption, send presence, and stay.
 * What is measured: memory of the server's process tree (ours with its Postgres) 20 s after the last sign-in, less that before the first, divided
 * by the sessions. Needs about 20,500 open files a process (`ulimit -n`).
 */
import type { IdleOrders, IdleReport } from './load/idle.ts'
import { Bench, printTable, readSettings, runLoad, type Figure } from './rounds.ts'

const DEFAULTS = { sessions: 10_000, 'settle-seconds': 20, rounds: 1 }
/** Signing in is not what is measured, and may take its time. */
const LIMIT_MS = 600_000

const FIGURES: readonly Figure<IdleReport>[] = [
  ['resident memory a session, kB', 1, (report) => report.residentBytes / report.sessions / 1_000],
  ['memory (Pss) a session, kB', 1, (report) => report.proportionalBytes / report.sessions / 1_000],
  ['processor while idle, % of its core', 1, (report) => report.idleShare * 100],
]

export async function idle(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS)
  const { sessions, rounds, 'settle-seconds': settleSeconds } = numbers
  await using bench = await Bench.create(sessions)
  const reports = new Map<string, IdleReport[]>()
  for (let round = 1; round <= rounds; round++) {
    for (const name of servers) {
      await using server = await bench.start(name)
      const orders = { ...bench.placeOf(server), sessions, settleMs: settleSeconds * 1_000 }
      const report = await runLoad<IdleReport>('idle.ts', orders satisfies IdleOrders, LIMIT_MS)
      reports.set(server.name, [...(reports.get(server.name) ?? []), report])
      const perSession = (report.residentBytes / sessions / 1_000).toFixed(1)
      console.log(
        `round ${round}  ${server.name.padEnd(9)} ${perSession.padStart(6)} kB a session  signed in within ${report.signInSeconds.toFixed(0)} s`,
      )
    }
  }
  console.log(`\nmedians of ${rounds} rounds; ${sessions} sessions\n`)
  printTable(
    reports,
    FIGURES,
    FIGURES.slice(0, 2).map(([label]) => label),
  )
}
