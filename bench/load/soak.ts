/** The load of the benchmark `soak`: a process of its own, started by bench/soak.ts on one of the cores that the server has as well. */
import { randomBytes } from 'node:crypto'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient } from './crowd.ts'
import { receiveOrders, sendReport } from './orders.ts'
import { Path, type PathReport } from './path.ts'
import { Pairs, Visits } from './soak-chat.ts'
import { Lookups } from './soak-lookups.ts'
import { Mails } from './soak-mail.ts'
import { readInUse, Watch, type Watched, type WatchReport } from './watch.ts'

export interface SoakOrders extends ServerPlace {
  readonly watched: readonly Watched[]
  /** Where those of ours write what they have in use. */
  readonly inUseDirectory: string
  /** The first of the accounts do nothing; then come pairs that write to each other, then those of whom one writes and the other comes and goes. */
  readonly idle: number
  readonly pairs: number
  readonly visited: number
  readonly keysPort: number
  readonly certificates: number
  readonly mailPort: number
  readonly sinkPort: number
  /** A second; of `chat`, a twentieth to devices that come and go. */
  readonly rates: { readonly chat: number; readonly mail: number; readonly lookup: number }
  /** Of all of the load, and of its beginning, which is not judged. */
  readonly seconds: number
  readonly settleSeconds: number
}

export interface SoakReport extends WatchReport {
  /** What each process of ours has in use at the middle of the beginning and at the end, in bytes. */
  readonly inUse: readonly { readonly name: string; readonly before: number; readonly after: number }[]
  readonly signInSeconds: number
  readonly paths: readonly PathReport[]
  /** Mails that came a second time, and messages that no device got. A message that comes twice or in another order ends the run, and so does a session that breaks. */
  readonly mailsTwice: number
  readonly missing: number
  /** Of this process itself: its lateness is in all times. */
  readonly loadDelayP99Ms: number
}

const VISITED_SHARE = 1 / 20
/** For what is under way when the load ends. */
const END_MS_MAX = 60_000
/** Looks at the processes while it is judged. */
const SAMPLES = 200
const MIB = 1_048_576

async function run(orders: SoakOrders): Promise<SoakReport> {
  const paths = {
    chat: new Path('chat, until received'),
    visited: new Path('chat to who comes and goes, until safe'),
    accepted: new Path('mail, until accepted'),
    delivered: new Path('mail, until delivered'),
    lookup: new Path('key lookup'),
  }
  const onFailure = (error: Error): never => {
    throw error
  }
  const { idle, pairs, visited, mailPort: port, sinkPort, rates } = orders
  const began = performance.now()
  const options = { place: orders, run: randomBytes(4).toString('hex'), onFailure }
  await forEachOf(idle, async (index) =>
    (await openClient(orders, index, { ...NO_REACTIONS, onFailure })).becomeAvailable(),
  )
  const chat = await Pairs.open(options, paths.chat, idle, pairs)
  const visits = await Visits.open(options, paths.visited, idle + 2 * pairs, visited)
  const signInSeconds = (performance.now() - began) / 1_000
  console.log(`${orders.accounts.length} sessions after ${signInSeconds.toFixed(0)} s`)
  await using mails = await Mails.open({
    port,
    sinkPort,
    accepted: paths.accepted,
    delivered: paths.delivered,
  })
  using lookups = await Lookups.open(orders.keysPort, paths.lookup, orders.certificates)
  const comers = visits.start(rates.chat * VISITED_SHARE)
  const running = [
    comers,
    chat.start(rates.chat * (1 - VISITED_SHARE)),
    mails.start(rates.mail),
    lookups.start(rates.lookup),
  ]
  await pause(orders.settleSeconds * 500)
  const before = await readInUse(orders.watched, orders.inUseDirectory)
  await pause(orders.settleSeconds * 500)
  const own = monitorEventLoopDelay()
  own.enable()
  const watch = await observe(orders, Object.values(paths))
  const delayP99Ms = own.percentile(99) / 1e6
  const after = await readInUse(orders.watched, orders.inUseDirectory)
  for (const each of running) each[Symbol.dispose]()
  await comers.whole()
  const isOpen = (): boolean => Object.values(paths).some(({ open }) => open > 0) || visits.missing > 0
  for (const end = performance.now() + END_MS_MAX; isOpen() && performance.now() < end;) await pause(100)
  return {
    signInSeconds,
    ...watch,
    paths: Object.values(paths).map((path) => path.report()),
    mailsTwice: mails.twice,
    missing: visits.missing,
    inUse: [...before].map(([name, bytes]) => ({ name, before: bytes, after: after.get(name) ?? 0 })),
    loadDelayP99Ms: delayP99Ms,
  }
}

/** For what is left of the time; prints a line each minute. */
async function observe(
  { watched, seconds, settleSeconds }: SoakOrders,
  paths: readonly Path[],
): Promise<WatchReport> {
  for (const path of paths) path.forget()
  const watch = await Watch.begin(watched)
  const everyMs = ((seconds - settleSeconds) * 1_000) / SAMPLES
  const began = performance.now()
  let minutes = 0
  for (let sample = 1; sample <= SAMPLES; sample++) {
    await pause(Math.max(0, began + sample * everyMs - performance.now()))
    await watch.sample()
    if (performance.now() - began < (minutes + 1) * 60_000) continue
    minutes++
    const memory = watch.latest().map(([name, bytes]) => `${name} ${(bytes / MIB).toFixed(0)}`)
    const slowest = paths.map((path) => path.report().p99Ms.toFixed(1))
    console.log(`minute ${minutes}: MiB ${memory.join(', ')}; p99 ${slowest.join(', ')} ms`)
  }
  return watch.report()
}

sendReport(await run((await receiveOrders()) as SoakOrders))
