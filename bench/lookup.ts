/**
 * Benchmark `lookup`: certificates by fingerprint (HKP version 2) and by address (Web Key Directory), beside nginx with the same bytes as static files. How servers and
 * load are run: bench/rounds.ts; ours with its Postgres on one core, behind no proxy, but told by the load of 16,384 clients as a proxy would.
 *
 * The directory for temporary files needs 8 GB for a million. With SEALPOST_BENCH_DIRECTORY they are made there, are kept, and are used again by the next run; with
 * --seconds 1 --rounds 1 they are made and little else.
 *
 * What is there: 1,000,000 certificates of 2,048 bytes that cannot be compressed, with three keys and one published address each, put into the tables by SQL. nginx gets
 * 20,000 of them as files, since a million of those takes longer to write than the whole run: that is in its favour.
 * What is measured: lookups a second of 32 connections that are kept alive, at random over all certificates; then, at half of that rate, the time from when a lookup was
 * due to the end of its answer; processor time of the server for a lookup; memory before the first certificate and with all of them, after the load.
 * The third is the same row by a bare Fastify route with one Postgres read for each request (bench/bare/certificate.ts), asked for the same million: what those that stand beneath us do alone.
 * Needs nginx (Debian's nginx-light). Options: --certificates N --files N --connections N --seconds N
 * --rounds N
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sealpost } from '../test/interop/sealpost.ts'
import type { LookupOrders, LookupReport } from './load/lookup.ts'
import {
  bytesOf,
  DOMAIN,
  INSERTS,
  pathOf,
  SHARED,
  UNLOGGED,
  type LookupKind,
} from './load/synthetic-certificates.ts'
import { readMemoryBytes } from './proc.ts'
import { describeShares, median, printTable, readSettings, runLoad, type Figure } from './rounds.ts'
import { startBare } from './servers/bare.ts'
import { startNginx, type StaticFile } from './servers/nginx.ts'
import { pinned } from './servers/server.ts'

const DEFAULTS = { certificates: 1_000_000, files: 20_000, connections: 32, seconds: 10, rounds: 3 }
const CORE = 0
/** Rows of one statement. */
const BATCH = 20_000
const KINDS: readonly LookupKind[] = ['fingerprint', 'address']
/** Lookups for nothing, before memory is read the first time: what a process grows to by working is no matter of certificates. */
const FEW = 100

const FIGURES: readonly Figure<LookupReport>[] = [
  ['lookups per second', 0, ({ lookups, full }) => lookups / full.seconds],
  ['lookups per processor second', 0, ({ lookups, full }) => lookups / full.serverCpuSeconds],
  ['processor time a lookup, µs', 1, ({ lookups, full }) => (full.serverCpuSeconds / lookups) * 1e6],
  ['at half the rate: median, ms', 2, ({ p50Ms }) => p50Ms],
  ['at half the rate: 99 %, ms', 2, ({ p99Ms }) => p99Ms],
  [
    'at half the rate: processor, µs',
    1,
    ({ half, halfLookups }) => (half.serverCpuSeconds / halfLookups) * 1e6,
  ],
]

type Numbers = typeof DEFAULTS

export async function lookup(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, DEFAULTS)
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // nginx reads files as a user of its own when we are root
  const environment = { SEALPOST_DOMAIN: DOMAIN, LOG_LEVEL: 'error' }
  const kept = process.env['SEALPOST_BENCH_DIRECTORY']
  if (kept !== undefined) await mkdir(kept, { recursive: true })
  const sealpost = stack.use(
    await Sealpost.start({
      environment,
      prefix: pinned(CORE),
      ...(kept === undefined ? {} : { directory: kept }),
    }),
  )
  const ours: Target = { name: 'Sealpost', port: sealpost.httpPort, roots: await sealpost.roots() }

  const there = await countCertificates(sealpost)
  if (there < FEW) await fill(sealpost, 1, FEW)
  for (const kind of KINDS) await load(ours, kind, { ...numbers, certificates: FEW, seconds: 3 })
  const before = memoryOf(ours)
  if (there < numbers.certificates) await fill(sealpost, Math.max(there, FEW) + 1, numbers.certificates)
  const files = Math.min(numbers.files, numbers.certificates)
  const nginx = stack.use(await startNginx(join(directory, 'nginx'), CORE, staticFiles(files)))
  const theirs: Target = { name: 'nginx', port: nginx.port, roots: nginx.roots }
  const route = stack.use(await startBare(CORE, 'certificate.ts', [await sealpost.databaseUrl()]))
  const bare: Target = { name: 'bare', port: route.port, roots: [...route.roots, ...ours.roots] }

  for (const kind of KINDS) {
    const reports = new Map([ours, theirs, bare].map(({ name }) => [name, [] as LookupReport[]]))
    for (let round = 1; round <= numbers.rounds; round += 1)
      for (const target of [ours, theirs, bare]) {
        const certificates = target === theirs ? files : numbers.certificates
        const report = await load(target, kind, { ...numbers, certificates })
        reports.get(target.name)?.push(report)
        const rate = (report.lookups / report.full.seconds).toFixed(0)
        console.log(
          `round ${round}  ${target.name.padEnd(9)} ${rate.padStart(7)} a second  ${describeShares(report.full)}`,
        )
      }
    console.log(
      `\nby ${kind}: medians of ${numbers.rounds} rounds, ${numbers.certificates} certificates, ${numbers.connections} connections\n`,
    )
    printTable(
      reports,
      FIGURES,
      FIGURES.slice(0, 2).map(([label]) => label),
    )
    console.log(goals(reports))
  }
  const after = memoryOf(ours)
  const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  console.log(
    `\nmemory of the process of ours after lookups of ${FEW} certificates ${mib(before.node)}, of all ${mib(after.node)}`,
  )
  console.log(`with Postgres, each shared page once: ${mib(before.all)}, ${mib(after.all)}`)
}

interface Target {
  readonly name: string
  readonly port: number
  readonly roots: readonly number[]
}

function load({ port, roots }: Target, kind: LookupKind, numbers: Numbers): Promise<LookupReport> {
  const { certificates, connections, seconds } = numbers
  const place = { port, domain: DOMAIN, accounts: [], serverRoots: roots, serverCore: CORE }
  return runLoad<LookupReport>('lookup.ts', {
    ...place,
    kind,
    certificates,
    connections,
    seconds,
  } satisfies LookupOrders)
}

async function countCertificates(sealpost: Sealpost): Promise<number> {
  const [row] = await sealpost.query<{ count: string }>('select count(*) as count from keys.certificate')
  return Number(row?.count)
}

/** Certificates `from` to `to`, two batches at a time, then what Postgres does with new rows in its own time. */
async function fill(sealpost: Sealpost, from: number, to: number): Promise<void> {
  const began = performance.now()
  for (const statement of UNLOGGED) await sealpost.query(statement)
  let next = from
  const filler = async (): Promise<void> => {
    while (next <= to) {
      const first = next
      next += BATCH
      for (const statement of INSERTS) {
        const last = Math.min(first + BATCH - 1, to)
        await sealpost.query(statement, statement.includes('$3') ? [first, last, SHARED] : [first, last])
      }
    }
  }
  await Promise.all([filler(), filler()])
  for (const table of ['certificate', 'component', 'published_address'])
    await sealpost.query(`vacuum analyze keys.${table}`)
  await sealpost.query('checkpoint')
  console.log(`${to} certificates are there after ${((performance.now() - began) / 1_000).toFixed(0)} s`)
}

function* staticFiles(count: number): Generator<StaticFile> {
  for (let index = 1; index <= count; index += 1) {
    const bytes = bytesOf(index)
    for (const kind of KINDS) yield { path: pathOf(kind, index), bytes }
  }
}

/** The process of ours alone, and with its Postgres. */
function memoryOf({ roots }: Target): { readonly node: number; readonly all: number } {
  const all = readMemoryBytes(roots)
  return { node: all - readMemoryBytes(roots.slice(1)), all }
}

function goals(reports: ReadonlyMap<string, readonly LookupReport[]>): string {
  const of = (name: string, figure: (report: LookupReport) => number): number =>
    median((reports.get(name) ?? []).map(figure))
  const rate = ({ lookups, full }: LookupReport): number => lookups / full.seconds
  const ratio = of('Sealpost', rate) / of('nginx', rate)
  const p99 = of('Sealpost', ({ p99Ms }) => p99Ms)
  const verdict = (met: boolean): string => (met ? 'met' : 'MISSED')
  return (
    `goals: a quarter of nginx: ${ratio.toFixed(2)}, ${verdict(ratio >= 0.25)}; ` +
    `99 % within 5 ms at half the rate: ${p99.toFixed(2)} ms, ${verdict(p99 < 5)}\n`
  )
}
