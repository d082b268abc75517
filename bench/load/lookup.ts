/**
 * The load of the benchmark `lookup`: a process of its own, started by bench/lookup.ts on its own core. HTTP/1.1 on bare sockets that are kept alive; of an answer it
 * reads the status and the length, and counts the bytes.
 */
import { connect, type Socket } from 'node:net'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { receiveOrders, sendReport } from './orders.ts'
import { CERTIFICATE_BYTES, DOMAIN, pathOf, type LookupKind } from './synthetic-certificates.ts'

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

/** Paths made before, so that making them costs nothing while it is measured. */
const PATHS_MAX = 200_000
/** Clients that a proxy in front of the server tells of: the server bounds what one may ask in a minute. */
const CLIENTS = 16_384
/** Lookups that wait for a connection at half the rate; more, and the server does not keep up. */
const WAITING_MAX = 10_000
const WARM_UP_SECONDS = 2

const READ_BYTES = 64 * 1024

const HEAD_END = Buffer.from('\r\n\r\n')

/** One connection: at most one request under way. */
class Asker {
  readonly #socket: Socket
  #done: (() => void) | undefined
  /** What came of a head that is not whole. */
  #head: Buffer | undefined
  #bodyLeft = -1

  private constructor(port: number, connected: () => void, failed: (error: Error) => void) {
    // One buffer for all that is read: garbage of the load would show as latency of the server.
    const buffer = Buffer.alloc(READ_BYTES)
    const read = (count: number): boolean => {
      this.#take(buffer.subarray(0, count))
      return true
    }
    this.#socket = connect({ port, host: '127.0.0.1', onread: { buffer, callback: read } }, connected)
      .setNoDelay(true)
      .on('error', failed)
  }

  static async open(port: number): Promise<Asker> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const asker = new Asker(port, resolve, reject)
    await promise
    asker.#socket.on('close', () => {
      throw new Error('the server closed a connection')
    })
    return asker
  }

  ask(request: string, done: () => void): void {
    this.#done = done
    this.#socket.write(request, 'latin1')
  }

  end(): void {
    this.#socket.removeAllListeners('close').destroy()
  }

  #take(chunk: Buffer): void {
    let bytes = chunk
    if (this.#bodyLeft < 0) {
      const head = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk])
      const end = head.indexOf(HEAD_END)
      this.#head = end < 0 ? Buffer.from(head) : undefined
      if (end < 0) return
      this.#bodyLeft = checkHead(head.toString('latin1', 0, end))
      bytes = head.subarray(end + HEAD_END.length)
    }
    this.#bodyLeft -= bytes.length
    if (this.#bodyLeft > 0) return
    if (this.#bodyLeft < 0) throw new Error('more came than was asked for')
    this.#bodyLeft = -1
    this.#done?.()
  }
}

/** The length of the body; throws unless it is a certificate. */
function checkHead(head: string): number {
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1])
  if (!head.startsWith('HTTP/1.1 200 ') || length !== CERTIFICATE_BYTES)
    throw new Error(`an unexpected answer:\n${head}`)
  return length
}

/** Requests in an order of their own each time. */
function requestMaker({ kind, certificates }: LookupOrders): () => string {
  const paths = Array.from({ length: Math.min(PATHS_MAX, certificates) }, () =>
    pathOf(kind, 1 + Math.floor(Math.random() * certificates)),
  )
  let client = 0
  return () => {
    client = (client + 1) % CLIENTS
    const path = paths[Math.floor(Math.random() * paths.length)] ?? ''
    return `GET ${path} HTTP/1.1\r\nHost: ${DOMAIN}\r\nX-Forwarded-For: 10.1.${String(client >> 8)}.${String(client & 255)}\r\n\r\n`
  }
}

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
