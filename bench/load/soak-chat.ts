/** Chat of the benchmark `soak`: pairs that are there, and devices that come and go while somebody writes to them. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from './client.ts'
import type { ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient, type Reactions } from './crowd.ts'
import { Direction } from './direction.ts'
import type { Path } from './path.ts'

/** A device that comes and goes is away, then here, for so long. */
const AWAY_MS = 20_000
const HERE_MS = 5_000

interface ChatOptions {
  readonly place: ServerPlace
  readonly run: string
  readonly onFailure: (error: Error) => void
}

/** Every account writes to its partner and is written to by it. */
export class Pairs {
  readonly #directions: readonly Direction[]
  readonly #path: Path
  #next = 0

  private constructor(directions: readonly Direction[], path: Path) {
    this.#directions = directions
    this.#path = path
  }

  /** Accounts `from` to `from + 2 * count - 1`. */
  static async open(options: ChatOptions, path: Path, from: number, count: number): Promise<Pairs> {
    const directions: Direction[] = []
    const clients = await forEachOf(2 * count, (index) =>
      open(options, from + index, {
        onMessage: (number) => {
          const time = directions[index ^ 1]?.arrive(number, performance.now())
          if (time !== undefined) path.took(time)
        },
      }),
    )
    for (const [index, client] of clients.entries())
      directions.push(new Direction(client, addressOf(options.place, from + (index ^ 1)), 1, options.run))
    for (const client of clients) client.becomeAvailable()
    return new Pairs(directions, path)
  }

  start(perSecond: number): Disposable {
    return this.#path.start(perSecond, (dueAt) =>
      this.#directions[this.#next++ % this.#directions.length]?.send(1, dueAt),
    )
  }
}

/** One writes, the other comes and goes. A message is at its end when its sender knows it to be safe; `arrived` counts what the device got, each once and in order. */
class Visited {
  readonly #options: ChatOptions
  readonly #index: number
  readonly #path: Path
  readonly #direction: Direction
  readonly #unsafe: number[] = []
  #device: Client | undefined

  private constructor(options: ChatOptions, index: number, path: Path, sender: Client) {
    this.#options = options
    this.#index = index
    this.#path = path
    this.#direction = new Direction(sender, addressOf(options.place, index + 1), 1, options.run)
  }

  static async open(options: ChatOptions, path: Path, index: number): Promise<Visited> {
    let visited: Visited | undefined
    const onAcknowledged = (): void => visited?.acknowledged()
    const sender = await open(options, index, { onAcknowledged })
    sender.becomeAvailable()
    visited = new Visited(options, index, path, sender)
    // A device that has signed in twice is known, and has a queue of its own.
    for (let signIns = 0; signIns < 2; signIns++) {
      await visited.come()
      await visited.go()
    }
    return visited
  }

  get missing(): number {
    return this.#direction.sent - this.#direction.received
  }

  send(dueAt: number): void {
    this.#unsafe.push(dueAt)
    this.#direction.send(1, dueAt)
  }

  async come(): Promise<void> {
    const onMessage = (number: number): void => void this.#direction.arrive(number, 0)
    this.#device = await open(this.#options, this.#index + 1, { onMessage })
    this.#device.becomeAvailable()
    await this.#device.ping()
  }

  async go(): Promise<void> {
    await this.#device?.close()
  }

  /** The server has taken responsibility for more. */
  acknowledged(): void {
    const now = performance.now()
    const safe = this.#direction.sender.acknowledged - (this.#direction.sent - this.#unsafe.length)
    for (const dueAt of this.#unsafe.splice(0, safe)) this.#path.took(now - dueAt)
  }
}

export class Visits {
  readonly #all: readonly Visited[]
  readonly #path: Path
  #next = 0

  private constructor(all: readonly Visited[], path: Path) {
    this.#all = all
    this.#path = path
  }

  /** Accounts `from` to `from + 2 * count - 1`. */
  static async open(options: ChatOptions, path: Path, from: number, count: number): Promise<Visits> {
    return new Visits(await forEachOf(count, (index) => Visited.open(options, path, from + 2 * index)), path)
  }

  /** Messages that no device has got yet. */
  get missing(): number {
    return this.#all.reduce((sum, { missing }) => sum + missing, 0)
  }

  /** Disposing stops the writing; `whole` resolves when all devices are there for good. */
  start(perSecond: number): Disposable & { whole(): Promise<unknown> } {
    const over = new AbortController()
    const visiting = this.#all.map((each, index) =>
      visit(each, (index / this.#all.length) * AWAY_MS, over.signal),
    )
    const sending = this.#path.start(perSecond, (dueAt) =>
      this.#all[this.#next++ % this.#all.length]?.send(dueAt),
    )
    return {
      [Symbol.dispose]: () => sending[Symbol.dispose](),
      whole: () => {
        over.abort()
        return Promise.all(visiting)
      },
    }
  }
}

/** Ends with the device there. */
async function visit(visited: Visited, firstAwayMs: number, over: AbortSignal): Promise<void> {
  await passed(firstAwayMs, over)
  for (;;) {
    await visited.come()
    if (over.aborted) return
    await passed(HERE_MS, over)
    await visited.go()
    await passed(AWAY_MS, over)
  }
}

async function passed(ms: number, signal: AbortSignal): Promise<void> {
  await pause(ms, undefined, { signal }).catch(() => undefined)
}

async function open(
  { place, run, onFailure }: ChatOptions,
  index: number,
  reactions: Partial<Reactions>,
): Promise<Client> {
  return openClient(place, index, { ...NO_REACTIONS, run, onFailure, ...reactions })
}

function addressOf({ accounts, domain }: ServerPlace, index: number): string {
  return `${accounts[index]?.username ?? ''}@${domain}`
}
