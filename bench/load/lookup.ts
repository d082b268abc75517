/** The load of the benchmark `lookup`: a process of its own, started by bench/lookup.ts on its own core. */
import { Asker, requestMaker } from './asker.ts'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { receiveOrders, sendReport } from './orders.ts'
import type { LookupKind } from './synthetic-certificates.ts'

export interface LookupOrders extends ServerPlace {
  readonly kind: LookupKind
  /** Lookups are of certificates 1 to this, at random. */
  readonly certificates: number
  /** Each asks, waits for the answer, and asks again. */
  readonly connections: number
  /** Of each of the two stretches. */
  readonly seconds: number
}

export interface LookupReport {
  readonly lookups: number
  readonly full: Cost
  /** At half the rate of `full`. */
  readonly halfLookups: number
  readonly half: Cost
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Lookups that wait for a connection at half the rate; more, and the server does not keep up. */
const WAITING_MAX = 10_000
const WARM_UP_SECONDS = 2

/** As many as the server answers. */
async function askAtFull(askers: readonly Asker[], next: () => string, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1_000
  let lookups = 0
  await Promise.all(
    askers.map(
      (asker) =>
        new Promise<void>((resolve) => {
          const again = (): void => {
            if (performance.now() >= end) return resolve()
            asker.ask(next(), () => {
              lookups += 1
              again()
            })
          }
          again()
        }),
    ),
  )
  return lookups
}

/** So many a second, whatever the answers do: a lookup that has to wait for a connection waits from when it was due. Milliseconds of each. */
async function askAtRate(
  askers: readonly Asker[],
  next: () => string,
  { rate, seconds }: { readonly rate: number; readonly seconds: number },
): Promise<Float64Array> {
  const idle = [...askers]
  const waiting: number[] = []
  const began = performance.now()
  const total = Math.floor(rate * seconds)
  const latencies = new Float64Array(total)
  let answered = 0
  let due = 0
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const start = (asker: Asker, at: number): void =>
    asker.ask(next(), () => {
      latencies[answered++] = performance.now() - at
      if (answered === total) return resolve()
      const earlier = waiting.shift()
      if (earlier === undefined) idle.push(asker)
      else start(asker, earlier)
    })
  const timer = setInterval(() => {
    const now = performance.now()
    for (; due < total && due < ((now - began) / 1_000) * rate; due += 1) {
      const asker = idle.pop()
      if (asker === undefined) waiting.push(now)
      else start(asker, now)
    }
    if (waiting.length > WAITING_MAX) reject(new Error('the server does not keep up with half its rate'))
  }, 1)
  await promise
  clearInterval(timer)
  return latencies.sort()
}

async function run(orders: LookupOrders): Promise<LookupReport> {
  const { connections, seconds, port } = orders
  const askers: Asker[] = []
  for (let count = 0; count < connections; count += 1) askers.push(await Asker.open(port))
  const next = requestMaker(orders)
  await askAtFull(askers, next, WARM_UP_SECONDS)
  const meter = new Meter(orders)
  const lookups = await askAtFull(askers, next, seconds)
  const full = meter.read()
  const halfMeter = new Meter(orders)
  const latencies = await askAtRate(askers, next, { rate: lookups / full.seconds / 2, seconds })
  const half = halfMeter.read()
  for (const asker of askers) asker.end()
  const share = (part: number): number => latencies[Math.floor(latencies.length * part)] ?? 0
  return { lookups, full, halfLookups: latencies.length, half, p50Ms: share(0.5), p99Ms: share(0.99) }
}

sendReport(await run((await receiveOrders()) as LookupOrders))
