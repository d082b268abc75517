/**
 * Benchmark `mail`: a relay that takes mail from smtp-source and hands it to smtp-sink, both of Debian's `postfix`, which must be installed. The relay with everything it
 * starts (ours with its Postgres) is pinned to core 0; source, sink and the process that watches them share core 1. Rounds are interleaved, the peer is a Postfix of the
 * same run (bench/servers/postfix.ts).
 *
 * What is sent: mails of 4 KiB by 20 sessions at a time, each mail over a connection of its own as smtp-source does it (no pipelining, no TLS), from a sender elsewhere to
 * a recipient elsewhere; then the same with mails of 1 MiB. What both do: take mail from the network they trust, sync it to disk before they say 250, hand it to the sink
 * over up to 20 connections that they use again, and forget it. Ours seals envelope, header and body under a key used once and destroys that key when the sink has the
 * mail; its DKIM signer has no key for a sender elsewhere. Postfix writes a log.
 * What is measured: mails a second from the first connection to the last 250 (accepted) and to the last mail in the sink (delivered); processor seconds of the relay for
 * 1,000 mails, until three seconds after the last. Before the first round half as many go that are not counted, so that code is compiled. Every mail must arrive exactly once, or the run fails.
 *
 * Then for ours alone, on a process just started: ten mails of 20 MB at once, the time until the last is in the sink and the most memory the process ever had; and a body
 * of 30 MB that is lines of two dots, with the time that other connections wait for their greeting meanwhile.
 * Options: --messages N --large-messages N --sessions N --rounds N, and --peers.
 */
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DotsOrders, DotsReport } from './load/dots.ts'
import type { MailOrders, MailReport } from './load/mail.ts'
import { describeShares, median, printTable, readSettings, runLoad, type Figure } from './rounds.ts'
import type { MailRelay, MailRelayOptions } from './servers/mail-relay.ts'
import { startPostfix } from './servers/postfix.ts'
import { startSealpostRelay } from './servers/sealpost.ts'
import { freePort } from '../test/interop/free-port.ts'

const KIB = 1024
const MIB = 1024 * KIB
const CORE = 0
const DEFAULTS = { messages: 4_000, 'large-messages': 200, sessions: 20, rounds: 5 }
const BYTES_MAX = 60 * MIB
const HUGE = { messages: 10, bytes: 20 * MIB }
const DOTS_BYTES = 30 * MIB
const GOALS = { small: 2, large: 1, hugeSeconds: 60, hugeBytes: 300 * MIB, laterMs: 50 }

const RELAYS: Readonly<Record<string, (options: MailRelayOptions) => Promise<MailRelay>>> = {
  sealpost: startSealpostRelay,
  postfix: startPostfix,
}

const FIGURES: readonly Figure<MailReport>[] = [
  ['accepted per second', 1, ({ messages, acceptSeconds }) => messages / acceptSeconds],
  ['delivered per second', 1, ({ messages, deliver }) => messages / deliver.seconds],
  [
    'processor seconds per 1,000',
    2,
    ({ messages, deliver }) => (deliver.serverCpuSeconds / messages) * 1_000,
  ],
]

export async function mail(args: readonly string[]): Promise<void> {
  const { servers, numbers } = readSettings(args, DEFAULTS, Object.keys(RELAYS))
  const { rounds, sessions } = numbers
  await using place = await Place.create()
  {
    await using stack = new AsyncDisposableStack()
    const relays: MailRelay[] = []
    for (const name of servers) relays.push(stack.use(await place.start(name)))
    for (const [label, bytes, messages, goal] of [
      ['4 KiB', 4 * KIB, numbers.messages, GOALS.small],
      ['1 MiB', MIB, numbers['large-messages'], GOALS.large],
    ] as const) {
      const reports = new Map(relays.map(({ name }) => [name, [] as MailReport[]]))
      for (let round = 1; round <= rounds; round++)
        for (const relay of relays) {
          const warmUp = round === 1 ? Math.ceil(messages / 2) : 0
          const report = await place.load(relay, { sessions, messages, warmUp, bytes })
          reports.get(relay.name)?.push(report)
          const rate = (report.messages / report.deliver.seconds).toFixed(0).padStart(6)
          console.log(
            `round ${round}  ${relay.name.padEnd(9)} ${rate} delivered a second  ${describeShares(report.deliver)}`,
          )
        }
      console.log(`\n${label}: medians of ${rounds} rounds of ${messages} mails, ${sessions} sessions\n`)
      printTable(
        reports,
        FIGURES,
        FIGURES.map(([text]) => text),
      )
      console.log(verdict(reports, goal))
    }
  }
  if (servers.includes('sealpost')) await alone(place)
}

/** The ratio to the peer by both rates, if there was one. */
function verdict(reports: ReadonlyMap<string, readonly MailReport[]>, goal: number): string {
  const [own = [], ...peers] = reports.values()
  const met = peers.every((peer) =>
    FIGURES.slice(0, 2).every(([, , of]) => median(own.map(of)) >= goal * median(peer.map(of))),
  )
  return peers.length === 0 ? '' : `goal: ${goal} times the peer in both, ${said(met)}\n`
}

const said = (met: boolean): string => (met ? 'met' : 'MISSED')

async function alone(place: Place): Promise<void> {
  await using relay = await place.start('sealpost')
  const huge = await place.load(relay, { ...HUGE, sessions: HUGE.messages, warmUp: 0 })
  const { seconds } = huge.deliver
  console.log(
    `${HUGE.messages} mails of 20 MB at once: the last delivered after ${seconds.toFixed(1)} s, goal ${GOALS.hugeSeconds}, ${said(seconds < GOALS.hugeSeconds)}; ` +
      `memory of the process at most ${(huge.peakBytes / MIB).toFixed(0)} MiB, goal ${GOALS.hugeBytes / MIB}, ${said(huge.peakBytes < GOALS.hugeBytes)}`,
  )
  const orders = { port: relay.port, sinkPort: place.sinkPort, bytes: DOTS_BYTES } satisfies DotsOrders
  const dots = await runLoad<DotsReport>('dots.ts', orders)
  const share = (all: readonly number[], part: number): number => all[Math.floor(all.length * part)] ?? 0
  for (const [label, all] of [
    ['greetings alone', dots.alone],
    [`greetings beside 30 MB of dots (${dots.seconds.toFixed(1)} s)`, dots.beside],
  ] as const)
    console.log(
      `${label.padEnd(42)}median ${share(all, 0.5).toFixed(1)} ms, 99 % ${share(all, 0.99).toFixed(1)} ms, latest ${(all.at(-1) ?? 0).toFixed(1)} ms of ${all.length}`,
    )
  const later = (dots.beside.at(-1) ?? 0) - share(dots.alone, 0.5)
  console.log(
    `goal: no greeting later by ${GOALS.laterMs} ms: ${later.toFixed(1)}, ${said(later < GOALS.laterMs)}`,
  )
}

/** Directory of a run and the port of its sink; removed when disposed. */
class Place implements AsyncDisposable {
  readonly sinkPort: number
  readonly #directory: string
  #started = 0

  private constructor(directory: string, sinkPort: number) {
    this.#directory = directory
    this.sinkPort = sinkPort
  }

  static async create(): Promise<Place> {
    const directory = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
    await chmod(directory, 0o755) // Postgres and Postfix run as users of their own
    return new Place(directory, await freePort())
  }

  async start(name: string): Promise<MailRelay> {
    const start = RELAYS[name]
    if (start === undefined) throw new Error(`unknown server ${name}`)
    const directory = join(this.#directory, `${name}-${this.#started++}`)
    await mkdir(directory)
    return start({ directory, core: CORE, sinkPort: this.sinkPort, bytesMax: BYTES_MAX })
  }

  load(
    { port, roots: serverRoots }: MailRelay,
    load: Pick<MailOrders, 'sessions' | 'messages' | 'warmUp' | 'bytes'>,
  ): Promise<MailReport> {
    const orders = { ...load, port, serverRoots, serverCore: CORE, sinkPort: this.sinkPort }
    return runLoad<MailReport>('mail.ts', orders satisfies MailOrders)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true })
  }
}
