/**
 * What all benchmarks share: each server with everything it starts (ours with its Postgres) pinned to core 0, the load as one process on core 1,
 * rounds interleaved (round 1 of every server, then round 2, and so on), medians of the rounds, ratios to the peers.
 * Fairness: the machine may be busy with other things. `foreign` is what others took of the server's core during the measurement; figures per
 * processor second do not suffer from it and are printed beside the rates. `load` is the share of its core that the generator used: near 100 %
 * with a server well below 100 % means that the generator was the limit, and the output says so.
 * How the peers are configured: bench/servers/ejabberd.ts and prosody.ts. Accounts are made through each server's own administration.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { Cost, ServerPlace } from './load/cost.ts'
import { startEjabberd } from './servers/ejabberd.ts'
import { startProsody } from './servers/prosody.ts'
import { startSealpost, startUnsealed } from './servers/sealpost.ts'
import {
  makeCertificate,
  pinned,
  type Account,
  type Certificate,
  type RunningServer,
  type StartServer,
} from './servers/server.ts'

const SERVER_CORE = 0
const LOAD_CORE = 1
const DOMAIN = 'chat.example'
const SERVERS: Readonly<Record<string, StartServer>> = {
  sealpost: startSealpost,
  ejabberd: startEjabberd,
  prosody: startProsody,
}

/** Our own, changed for one benchmark: never chosen by name. */
const VARIANTS: Readonly<Record<string, StartServer>> = { unsealed: startUnsealed }

/** Servers and numbers given on the command line. */
export interface Settings<Name extends string> {
  readonly servers: readonly string[]
  readonly numbers: Readonly<Record<Name, number>>
}

/** Reads `--peers`, `--servers LIST` (of `known`, all of which are taken with `--peers`) and the options in `defaults`, each a number. Throws on anything else. */
export function readSettings<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
  known: readonly string[] = Object.keys(SERVERS),
): Settings<Name> {
  const names = Object.keys(defaults) as Name[]
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'boolean' },
      servers: { type: 'string' },
      ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    },
  }) as { values: Readonly<Record<string, string | boolean | undefined>> }
  const numbers: Record<Name, number> = { ...defaults }
  for (const name of names) {
    const value = Number(values[name] ?? defaults[name])
    if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} takes a whole number above 0`)
    numbers[name] = value
  }
  const named = values['servers']
  const servers =
    typeof named === 'string' ? named.split(',') : values['peers'] === true ? known : ['sealpost']
  for (const name of servers)
    if (!known.includes(name)) throw new Error(`unknown server ${name}: choose among ${known.join(', ')}`)
  return { servers, numbers }
}

/** Directory, certificate and accounts of one run; removed when disposed. */
export class Bench implements AsyncDisposable {
  readonly accounts: readonly Account[]
  readonly #directory: string
  readonly #certificate: Certificate
  #started = 0

  private constructor(directory: string, certificate: Certificate, accounts: readonly Account[]) {
    this.#directory = directory
    this.#certificate = certificate
    this.accounts = accounts
  }

  static async create(accountCount: number): Promise<Bench> {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    await chmod(directory, 0o755)
    const certificate = await makeCertificate(join(directory, 'tls'), DOMAIN)
    const accounts = Array.from({ length: accountCount }, (_, index) => ({
      username: `user${index}`,
      password: randomBytes(12).toString('hex'),
    }))
    stack.move()
    return new Bench(directory, certificate, accounts)
  }

  /** Starts a server with all accounts. */
  async start(name: string): Promise<RunningServer> {
    const start = SERVERS[name] ?? VARIANTS[name]
    if (start === undefined) throw new Error(`unknown server ${name}`)
    const directory = join(this.#directory, `${name}-${this.#started++}`)
    await mkdir(directory)
    return start({
      directory,
      domain: DOMAIN,
      certificate: this.#certificate,
      accounts: this.accounts,
      core: SERVER_CORE,
    })
  }

  placeOf(server: RunningServer): ServerPlace {
    return {
      port: server.port,
      domain: DOMAIN,
      accounts: this.accounts,
      serverRoots: server.roots(),
      serverCore: SERVER_CORE,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}

/** One round: bench/load/PROGRAM as a process of its own on its own core, with its orders on the IPC channel, for at most `limitMs`. */
export async function runLoad<Report>(program: string, orders: object, limitMs = 180_000): Promise<Report> {
  const [taskset, ...others] = pinned(LOAD_CORE)
  const child = fork(join(import.meta.dirname, 'load', program), [], {
    execPath: taskset,
    execArgv: [...others, process.execPath],
  })
  const limit = setTimeout(() => child.kill('SIGTERM'), limitMs)
  let report: Report | undefined
  child.on('message', (message) => {
    report = message as Report
  })
  child.send(orders)
  await once(child, 'exit')
  clearTimeout(limit)
  if (report === undefined) throw new Error('the load process failed')
  return report
}

/** Starts the servers, runs `load` on each of them in turn, `rounds` times over; reports by server. */
export async function interleave<Report>(
  bench: Bench,
  servers: readonly string[],
  rounds: number,
  load: (place: ServerPlace) => Promise<Report>,
  print: (round: number, server: string, report: Report) => void,
): Promise<ReadonlyMap<string, readonly Report[]>> {
  await using stack = new AsyncDisposableStack()
  const running: RunningServer[] = []
  for (const name of servers) running.push(stack.use(await bench.start(name)))
  const reports = new Map(running.map((server) => [server.name, [] as Report[]]))
  for (let round = 1; round <= rounds; round++) {
    for (const server of running) {
      const report = await load(bench.placeOf(server))
      reports.get(server.name)?.push(report)
      print(round, server.name, report)
    }
  }
  return reports
}

/** The shares of a stretch's time that server, load and strangers took, for the line of a round. */
export function describeShares(cost: Cost): string {
  const share = (seconds: number): string => `${Math.round((seconds / cost.seconds) * 100)} %`
  const limited = cost.loadCpuSeconds / cost.seconds > 0.95 && cost.serverCpuSeconds / cost.seconds < 0.9
  return (
    `server ${share(cost.serverCpuSeconds)}  load ${share(cost.loadCpuSeconds)}  foreign ${share(cost.foreignCpuSeconds)}` +
    (limited ? '  THE GENERATOR WAS THE LIMIT' : '')
  )
}

/** A row of the table of medians: what it is, digits behind the point, the figure of one round. */
export type Figure<Report> = readonly [label: string, digits: number, of: (report: Report) => number]

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Medians by server, and the ratios of the first server to each other by the figures `compared`. */
export function printTable<Report>(
  reports: ReadonlyMap<string, readonly Report[]>,
  figures: readonly Figure<Report>[],
  compared: readonly string[],
): void {
  const columns = [...reports]
  const cell = (text: string): string => text.padStart(12)
  console.log(''.padEnd(36) + columns.map(([name]) => cell(name)).join(''))
  for (const [label, digits, of] of figures)
    console.log(
      label.padEnd(36) + columns.map(([, list]) => cell(median(list.map(of)).toFixed(digits))).join(''),
    )
  const [[mine, own] = ['', []], ...peers] = columns
  for (const [name, list] of peers) {
    const ratios = figures
      .filter(([label]) => compared.includes(label))
      .map(([label, , of]) => `${(median(own.map(of)) / median(list.map(of))).toFixed(2)} by ${label.trim()}`)
    console.log(`${mine} : ${name} = ${ratios.join(', ')}`)
  }
}
