/**
 * Benchmark `chat`: live messages per second on one core.
 *
 * What runs: each server with everything it starts (ours with its Postgres) is pinned to core 0 and stays up for the whole run; the load is one
 * process on core 1. Rounds are interleaved: round 1 of every server, then round 2, and so on; the medians of the rounds are printed.
 * What is sent: 100 pairs of accounts sign in over direct TLS (1.3, P-256 certificate, AES-256-GCM, no session resumption) with SCRAM-SHA-256,
 * bind, and enable XEP-0198 with resumption. Both ends of a pair write to each other's bare address; each message is an OMEMO message whose
 * `<encrypted/>` has 600 bytes (header, two keys, iv, payload), with the encryption label, a store hint and a fallback body. Every `<r/>` of the
 * server is answered; the sender asks after each message, as Conversations and Dino do.
 * What is measured: (1) a fixed number of messages with a bounded window per direction, as fast as the server goes: rate, and processor seconds of the
 * server's process tree; (2) a fixed number at 1,000 a second on a schedule that does not wait for the server: latency from due to received.
 * Every message must arrive exactly once and in order, or the run fails.
 * Fairness: the machine may be busy with other things. `foreign` is what others took of the server's core during the measurement; the rate per
 * processor second does not suffer from it and is printed beside the rate. `load` is the share of its core that the generator used: near 100 % with a
 * server well below 100 % means that the generator was the limit, and the output says so.
 * How the peers are configured: bench/servers/ejabberd.ts and prosody.ts. Accounts are made through each server's own administration.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { ChatOrders, ChatReport, Stretch } from './load/chat.ts'
import { startEjabberd } from './servers/ejabberd.ts'
import { startProsody } from './servers/prosody.ts'
import { startSealpost } from './servers/sealpost.ts'
import { makeCertificate, pinned, type RunningServer, type StartServer } from './servers/server.ts'

const SERVER_CORE = 0
const LOAD_CORE = 1
const DOMAIN = 'chat.example'
const SERVERS: Readonly<Record<string, StartServer>> = {
  sealpost: startSealpost,
  ejabberd: startEjabberd,
  prosody: startProsody,
}
/** A round takes seconds; one that takes longer than this has gone wrong. */
const ROUND_LIMIT_MS = 180_000

interface Settings {
  readonly servers: readonly string[]
  readonly pairs: number
  readonly window: number
  readonly ackEvery: number
  readonly messages: number
  readonly pacedRate: number
  readonly pacedMessages: number
  readonly rounds: number
}

function readSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: {
      peers: { type: 'boolean', default: false },
      servers: { type: 'string' },
      pairs: { type: 'string', default: '100' },
      window: { type: 'string', default: '4' },
      'ack-every': { type: 'string', default: '1' },
      messages: { type: 'string', default: '20000' },
      rate: { type: 'string', default: '1000' },
      'rate-messages': { type: 'string', default: '5000' },
      rounds: { type: 'string', default: '5' },
    },
  })
  return {
    servers:
      values.servers?.split(',') ?? (values.peers ? ['sealpost', 'ejabberd', 'prosody'] : ['sealpost']),
    pairs: Number(values.pairs),
    window: Number(values.window),
    ackEvery: Number(values['ack-every']),
    messages: Number(values.messages),
    pacedRate: Number(values.rate),
    pacedMessages: Number(values['rate-messages']),
    rounds: Number(values.rounds),
  }
}

/** One round: the load as a process of its own on its own core, at most for the time a round may take. */
async function runLoad(orders: ChatOrders): Promise<ChatReport> {
  const program = join(import.meta.dirname, 'load', 'chat.ts')
  const [taskset, ...others] = pinned(LOAD_CORE)
  const child = fork(program, [JSON.stringify(orders)], {
    execPath: taskset,
    execArgv: [...others, process.execPath],
  })
  const limit = setTimeout(() => child.kill('SIGKILL'), ROUND_LIMIT_MS)
  let report: ChatReport | undefined
  child.on('message', (message: ChatReport) => {
    report = message
  })
  await once(child, 'exit')
  clearTimeout(limit)
  if (report === undefined) throw new Error('the load process failed')
  return report
}

export async function chat(args: readonly string[]): Promise<void> {
  const settings = readSettings(args)
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755)
  const certificate = await makeCertificate(join(directory, 'tls'), DOMAIN)
  const accounts = Array.from({ length: settings.pairs * 2 }, (_, index) => ({
    username: `user${index}`,
    password: randomBytes(12).toString('hex'),
  }))
  const running: RunningServer[] = []
  for (const name of settings.servers) {
    const start = SERVERS[name]
    if (start === undefined)
      throw new Error(`unknown server ${name}: choose among ${Object.keys(SERVERS).join(', ')}`)
    const own = join(directory, name)
    await mkdir(own)
    running.push(
      stack.use(await start({ directory: own, domain: DOMAIN, certificate, accounts, core: SERVER_CORE })),
    )
  }
  const reports = new Map(running.map((server) => [server.name, [] as ChatReport[]]))
  for (let round = 1; round <= settings.rounds; round++) {
    for (const server of running) {
      const { window, ackEvery, messages, pacedRate, pacedMessages } = settings
      const load = { window, ackEvery, messages, warmUp: Math.ceil(messages / 5), pacedRate, pacedMessages }
      const target = {
        port: server.port,
        domain: DOMAIN,
        ca: certificate.pem,
        accounts,
        serverRoots: server.roots(),
        serverCore: SERVER_CORE,
      }
      const report = await runLoad({ ...load, ...target })
      reports.get(server.name)?.push(report)
      printRound(round, server.name, report)
    }
  }
  printResult(settings, reports)
}

const rate = (stretch: Stretch): number => stretch.messages / stretch.seconds
const perCpuSecond = (stretch: Stretch): number => stretch.messages / stretch.serverCpuSeconds
const percent = (part: number, whole: number): string => `${Math.round((part / whole) * 100)} %`

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

function printRound(round: number, name: string, { fast, paced, signInSeconds }: ChatReport): void {
  const share = (seconds: number): string => percent(seconds, fast.seconds)
  const generator =
    fast.loadCpuSeconds / fast.seconds > 0.95 && fast.serverCpuSeconds / fast.seconds < 0.9
      ? '  THE GENERATOR WAS THE LIMIT'
      : ''
  console.log(
    `round ${round}  ${name.padEnd(9)} ${Math.round(rate(fast)).toString().padStart(6)} msg/s  server ${share(fast.serverCpuSeconds)}` +
      `  load ${share(fast.loadCpuSeconds)}  foreign ${share(fast.foreignCpuSeconds)}` +
      `  paced p99 ${paced.latenciesMs.p99.toFixed(1)} ms  sign-in ${signInSeconds.toFixed(1)} s${generator}`,
  )
}

function printResult(settings: Settings, reports: ReadonlyMap<string, readonly ChatReport[]>): void {
  const all = [...reports]
  const [, [first] = []] = all[0] ?? []
  console.log(
    `\nmedians of ${settings.rounds} rounds; ${settings.pairs} pairs, ${settings.window} messages under way each way, ` +
      `${first?.messageBytes} bytes a message, ${settings.messages} messages a round; ${first?.cipher}\n`,
  )
  const figure =
    (of: (report: ChatReport) => number) =>
    (list: readonly ChatReport[]): number =>
      median(list.map(of))
  const figures: readonly (readonly [string, number, (list: readonly ChatReport[]) => number])[] = [
    ['messages per second', 0, figure((report) => rate(report.fast))],
    ['messages per processor second', 0, figure((report) => perCpuSecond(report.fast))],
    ['processor seconds per 1,000', 4, figure((report) => 1_000 / perCpuSecond(report.fast))],
    [`  the same at ${settings.pacedRate}/s`, 4, figure((report) => 1_000 / perCpuSecond(report.paced))],
    [`latency p50 at ${settings.pacedRate}/s, ms`, 2, figure((report) => report.paced.latenciesMs.p50)],
    [`latency p99 at ${settings.pacedRate}/s, ms`, 2, figure((report) => report.paced.latenciesMs.p99)],
    ['memory (Pss), MiB', 0, figure((report) => report.memoryBytes / 1_048_576)],
    [
      'server busy, % of its core',
      0,
      figure((report) => (report.fast.serverCpuSeconds / report.fast.seconds) * 100),
    ],
    [
      'load busy, % of its core',
      0,
      figure((report) => (report.fast.loadCpuSeconds / report.fast.seconds) * 100),
    ],
  ]
  console.log(''.padEnd(32) + all.map(([name]) => name.padStart(12)).join(''))
  for (const [label, digits, of] of figures) {
    console.log(label.padEnd(32) + all.map(([, list]) => of(list).toFixed(digits).padStart(12)).join(''))
  }
  const [mine, ...others] = all
  for (const [name, list] of others) {
    const ratio = (of: (list: readonly ChatReport[]) => number): string =>
      (of(mine?.[1] ?? []) / of(list)).toFixed(2)
    const [rates, efficiencies] = [
      figure((report) => rate(report.fast)),
      figure((report) => perCpuSecond(report.fast)),
    ]
    console.log(
      `\n${mine?.[0]} : ${name} = ${ratio(rates)} by messages per second, ${ratio(efficiencies)} by messages per processor second`,
    )
  }
}
