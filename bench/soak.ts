/**
 * Benchmark `soak`: everything at once for half an hour, as four processes on a Postgres of their own that syncs. Nothing is pinned but the load, which has one of the cores
 * that the server has, too: on a machine with two cores all of it shares two.
 *
 * What goes on: 10,000 sessions that do nothing; 1,000 OMEMO messages a second (bench/load/omemo.ts), each followed by `<r/>`, nineteen of twenty between 100 pairs that are
 * there, the others to ten devices that are away for 20 s and here for 5 s in turn; 20 mails of 4 KiB a second over a connection each, handed on to a smarthost; 500 lookups
 * of certificates a second, by fingerprint and by address in turn. All by schedules that wait for nothing.
 * What is measured, after the first five minutes (with --minutes below 10, after half of the time): private memory of each process, 200 times, its slope and what of a slope
 * may be chance (bench/trend.ts), and the same of the second half of that time; what is in use once everything else was collected, in the middle of the beginning and at the end: where that does
 * not grow, what grows is garbage that V8 has not collected yet; the 99th percentile of the delay of each event loop since the last look, from /metrics, the 10 ms of its timer included; of each path how long
 * from when it was due, so the lateness of the load is in it; processor of each process. Every message must come once and in order, every session stay, or the run fails.
 * Options: --minutes N --sessions N --chat N --mail N --lookups N (rates a second) --pairs N --certificates N. Needs about 20,500 open files a process.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Deployment, startEmbeddedPostgres, type EmbeddedPostgres } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { freePort } from '../test/interop/free-port.ts'
import { query } from '../test/interop/query.ts'
import type { SoakOrders, SoakReport } from './load/soak.ts'
import { DOMAIN, INSERTS, SHARED } from './load/synthetic-certificates.ts'
import type { ProcessReport } from './load/watch.ts'
import { readSettings, runLoad } from './rounds.ts'
import { sizeOf } from './sizing.ts'
import type { Account } from './servers/server.ts'

const DEFAULTS = {
  minutes: 30,
  sessions: 10_000,
  chat: 1_000,
  mail: 20,
  lookups: 500,
  pairs: 100,
  certificates: 100_000,
}
const VISITED = 10
const SETTLE_SECONDS = 300
/** For sign-ins, and for what is under way at the end. */
const MORE_MS_MAX = 900_000
const DELAY_MS_GOAL = 50
const MACHINES = [2, 8, 32]
const MIB = 1_048_576
const SERVICES = ['xmpp', 'keys', 'smtp', 'api'] as const

export async function soak(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, DEFAULTS, ['sealpost'])
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // Postgres runs as a user of its own when we are root
  const sinkPort = await freePort()
  const postgres = stack.use(await startPostgres(directory))
  const deployment = stack.use(await deploy(directory, postgres, sinkPort))
  const accounts = Array.from({ length: numbers.sessions + 2 * (numbers.pairs + VISITED) }, (_, index) => ({
    username: `user${index}`,
    password: randomBytes(12).toString('hex'),
  }))
  await importAccounts(deployment, join(directory, 'accounts.csv'), accounts)
  await fillDirectory(postgres.url, numbers.certificates)
  const seconds = numbers.minutes * 60
  const orders: SoakOrders = {
    port: deployment.ports.xmpps,
    domain: DOMAIN,
    accounts,
    serverRoots: [...Object.values(deployment.pids), postgres.pid],
    serverCore: 0,
    watched: watchedOf(deployment, postgres),
    inUseDirectory: deployment.dataDir,
    idle: numbers.sessions,
    pairs: numbers.pairs,
    visited: VISITED,
    keysPort: deployment.ports.http.keys,
    certificates: numbers.certificates,
    mailPort: deployment.ports.smtp,
    sinkPort,
    rates: { chat: numbers.chat, mail: numbers.mail, lookup: numbers.lookups },
    seconds,
    settleSeconds: Math.min(SETTLE_SECONDS, seconds / 2),
  }
  print(await runLoad<SoakReport>('soak.ts', orders, seconds * 1_000 + MORE_MS_MAX), orders)
}

async function startPostgres(directory: string): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    socketDirectory: join(directory, 'run'),
    clock: systemClock,
    random: systemRandom,
  })
}

async function deploy(directory: string, { url }: EmbeddedPostgres, sinkPort: number): Promise<Deployment> {
  const dataDir = join(directory, 'data')
  await mkdir(dataDir)
  return Deployment.start({
    shape: 'four-processes',
    dataDir,
    databaseUrl: url,
    domains: [DOMAIN],
    flags: await readFlags(),
    env: {
      SMTP_TRUSTED_NETWORKS: '127.0.0.0/8',
      SMTP_SMARTHOST: `127.0.0.1:${String(sinkPort)}`,
      LOG_LEVEL: 'error',
      IN_USE_DIRECTORY: dataDir,
      NODE_OPTIONS: `--import ${join(import.meta.dirname, 'servers/collectable.ts')}`,
    },
  })
}

/** Those of Node in `npm start`; the image has the same. */
async function readFlags(): Promise<string[]> {
  const file = join(import.meta.dirname, '../package.json')
  const { scripts } = JSON.parse(await readFile(file, 'utf8')) as { scripts: { start: string } }
  return scripts.start.split(' ').filter((word) => word.startsWith('--'))
}

async function importAccounts(
  deployment: Deployment,
  file: string,
  accounts: readonly Account[],
): Promise<void> {
  const lines = accounts.map(({ username, password }) => `${username},${password}\n`)
  await writeFile(file, lines.join(''), { mode: 0o600 })
  const { code, output } = await deployment.ctl(['account', 'import', file])
  if (code !== 0) throw new Error(`ctl account import ended with ${code}: ${output}`)
}

async function fillDirectory(url: string, certificates: number): Promise<void> {
  for (const statement of INSERTS)
    await query(url, statement, [1, certificates, ...(statement.includes('$3') ? [SHARED] : [])])
  for (const table of ['certificate', 'component', 'published_address'])
    await query(url, `vacuum analyze keys.${table}`)
  await query(url, 'checkpoint')
}

function watchedOf(deployment: Deployment, postgres: EmbeddedPostgres): SoakOrders['watched'] {
  const ours = SERVICES.map((name) => ({
    name,
    pid: deployment.pids[name] ?? 0,
    metricsUrl: deployment.url(name, '/metrics'),
  }))
  return [...ours, { name: 'postgres', pid: postgres.pid, metricsUrl: undefined }]
}

function print(report: SoakReport, orders: SoakOrders): void {
  const { seconds, settleSeconds, rates, idle } = orders
  const { paths, processes, loadCores, foreignCores, loadDelayP99Ms } = report
  console.log(
    `\n${(seconds / 60).toFixed(0)} minutes, of which the last ${(report.seconds / 60).toFixed(1)} are judged (after ${settleSeconds} s); ` +
      `${idle} idle sessions, ${rates.chat} messages, ${rates.mail} mails, ${rates.lookup} lookups a second\n`,
  )
  console.log(
    `${'from when it was due, ms'.padEnd(42)}${cells('p50', 'p99', 'max', 'sent', 'done', 'refused')}`,
  )
  for (const { name, p50Ms, p99Ms, maxMs, sent, done, refused } of paths)
    console.log(
      name.padEnd(42) + cells(p50Ms.toFixed(1), p99Ms.toFixed(1), maxMs.toFixed(0), sent, done, refused),
    )
  console.log(
    `\n${'process'.padEnd(12)}${cells('cores', 'MiB', 'first', 'last', 'KiB/min', '+- noise', 'late', '+- noise', 'delay p99', 'worst')}`,
  )
  for (const each of processes) console.log(each.name.padEnd(12) + cells(...processCells(each)))
  console.log(
    `load: ${loadCores.toFixed(2)} cores, its own delay p99 ${loadDelayP99Ms.toFixed(1)} ms; others: ${foreignCores.toFixed(2)} cores\n`,
  )
  for (const verdict of verdicts(report)) console.log(verdict)
  printSizes(report, orders)
}

/** What other machines hold of the same mixture. */
function printSizes({ processes }: SoakReport, { rates, idle }: SoakOrders): void {
  const used = processes.map(({ name, cores, allBytes }) => ({
    name,
    cores,
    bytes: allBytes,
    isOne: name !== 'postgres',
  }))
  console.log(
    `\nderived (bench/sizing.ts)\n${cells('cores', 'sessions', 'messages', 'mails', 'lookups', 'GiB')}  limited by`,
  )
  for (const cores of MACHINES) {
    const { factor, limit, bytes } = sizeOf(cores, used, idle)
    const rate = (perSecond: number): string => (perSecond * factor).toFixed(0)
    const held = [idle, rates.chat, rates.mail, rates.lookup].map(rate)
    console.log(`${cells(cores, ...held, (bytes / 1_024 / MIB).toFixed(1))}  ${limit}`)
  }
}

function cells(...texts: readonly (string | number)[]): string {
  return texts.map((text) => String(text).padStart(11)).join('')
}

const mib = (bytes: number): string => (bytes / MIB).toFixed(1)

function processCells({ cores, allBytes, memory, memoryLate, delayMs }: ProcessReport): string[] {
  const perMinute = (bytes: number): string => ((bytes / 1_024) * 60).toFixed(0)
  return [
    cores.toFixed(3),
    ...[allBytes, memory.first, memory.last].map(mib),
    ...[memory.perSecond, memory.noise, memoryLate.perSecond, memoryLate.noise].map(perMinute),
    delayMs?.median.toFixed(1) ?? '',
    delayMs?.worst.toFixed(1) ?? '',
  ]
}

function verdicts({ paths, processes, inUse, mailsTwice, missing }: SoakReport): string[] {
  const said = (met: boolean): string => (met ? 'met' : 'MISSED')
  const grows = (which: 'memory' | 'memoryLate'): string => {
    const growing = processes.filter(({ [which]: trend }) => trend.perSecond > trend.noise)
    return growing.map(({ name }) => name).join(', ')
  }
  const lost = paths.reduce((sum, { sent, done, refused }) => sum + sent - done - refused, missing)
  const refused = paths.reduce((sum, each) => sum + each.refused, 0)
  const worst = Math.max(...processes.map(({ delayMs }) => delayMs?.worst ?? 0))
  const inUseMib = inUse.map(({ name, before, after }) => `${name} ${mib(before)} and ${mib(after)}`)
  return [
    `in use without garbage, MiB before and after: ${inUseMib.join(', ')}`,
    `no growth of memory beyond noise: ${grows('memory') || 'none'} grows, in the second half of the time ${grows('memoryLate') || 'none'}, ${said(grows('memory') === '')}`,
    `nothing lost: ${lost} lost, ${refused} refused, ${mailsTwice} mails twice, ${said(lost + refused + mailsTwice === 0)}`,
    `event loops, p99 of the delay in the worst stretch below ${DELAY_MS_GOAL} ms: ${worst.toFixed(1)}, ${said(worst < DELAY_MS_GOAL)}`,
  ]
}
