/**
 * The load of the benchmark `chat`: a process of its own, started by bench/chat.ts on its own core. Takes its orders over IPC, runs sign-in, warm-up, a fixed number of messages as fast as the windows allow, then a fixed number at a fixed rate, and reports over IPC.
 */
import { randomBytes } from 'node:crypto'
import { readMemoryBytes } from '../proc.ts'
import { Client } from './client.ts'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { Direction } from './direction.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface ChatOrders extends ServerPlace {
  /** Messages under way in each direction of each pair. */
  readonly window: number
  /** The sender asks for an acknowledgement (`<r/>`) after this many messages. */
  readonly ackEvery: number
  readonly warmUp: number
  readonly messages: number
  /** Messages a second, and how many, of the second measurement. */
  readonly pacedRate: number
  readonly pacedMessages: number
}

/** What one stretch of traffic cost. */
export interface Stretch extends Cost {
  readonly messages: number
  readonly latenciesMs: { readonly p50: number; readonly p99: number; readonly max: number }
}

export interface ChatReport {
  readonly cipher: string
  readonly messageBytes: number
  readonly signInSeconds: number
  readonly fast: Stretch
  readonly paced: Stretch
  /** Of the server with all clients connected, after the traffic. */
  readonly memoryBytes: number
}

const STALL_MS = 20_000

class Load {
  readonly #orders: ChatOrders
  readonly #run = randomBytes(4).toString('hex')
  readonly #clients: Client[] = []
  readonly #directions: Direction[] = []
  #unsent = 0
  #unreceived = 0
  #windowed = false
  #latencies: number[] = []
  #lastArrival = 0
  #finished: () => void = () => {}
  #failed: (error: Error) => void = (error) => {
    throw error
  }

  constructor(orders: ChatOrders) {
    this.#orders = orders
  }

  async run(): Promise<ChatReport> {
    const orders = this.#orders
    const began = performance.now()
    await this.#signIn()
    const signInSeconds = (performance.now() - began) / 1_000
    await this.#stretch(orders.warmUp, () => this.#openWindows())
    const fast = await this.#stretch(orders.messages, () => this.#openWindows())
    const paced = await this.#stretch(orders.pacedMessages, () => this.#pace())
    const memoryBytes = readMemoryBytes(orders.serverRoots)
    const messageBytes = this.#directions[0]?.messageBytes ?? 0
    const cipher = this.#clients[0]?.cipher ?? ''
    this.#failed = () => {}
    await Promise.all(this.#clients.map((client) => client.close()))
    return { cipher, messageBytes, signInSeconds, fast, paced, memoryBytes }
  }

  /** Ten at a time; the clients 2n and 2n + 1 are a pair. */
  async #signIn(): Promise<void> {
    const { accounts } = this.#orders
    const queue = accounts.keys()
    const worker = async (): Promise<void> => {
      for (const index of queue) this.#clients[index] = await this.#open(index)
    }
    await Promise.all(Array.from({ length: 10 }, worker))
    for (const [index, sender] of this.#clients.entries()) {
      const partner = accounts[index ^ 1]
      if (partner === undefined) throw new Error('the number of accounts is odd')
      this.#directions[index] = new Direction(
        sender,
        `${partner.username}@${this.#orders.domain}`,
        this.#orders.ackEvery,
        this.#run,
      )
    }
  }

  async #open(index: number): Promise<Client> {
    const { port, domain, accounts } = this.#orders
    const { username, password } = accounts[index] ?? { username: '', password: '' }
    const client = await Client.open({
      port,
      domain,
      username,
      password,
      resource: `bench-${index}`,
      run: this.#run,
      onMessage: (number) => this.#onMessage(index ^ 1, number),
      onChunkEnd: () => this.#refill(index ^ 1),
      onFailure: (error) => this.#failed(error),
    })
    client.becomeAvailable()
    return client
  }

  #onMessage(index: number, number: number): void {
    const direction = this.#directions[index]
    if (direction === undefined) return
    this.#lastArrival = performance.now()
    this.#latencies.push(direction.arrive(number, this.#lastArrival))
    direction.credit++
    if (--this.#unreceived === 0) this.#finished()
  }

  #refill(index: number): void {
    const direction = this.#directions[index]
    if (direction === undefined || direction.credit === 0 || !this.#windowed) return
    const count = Math.min(direction.credit, this.#unsent)
    direction.credit = 0
    this.#unsent -= count
    if (count > 0) direction.send(count, performance.now())
  }

  #openWindows(): void {
    this.#windowed = true
    for (const [index, direction] of this.#directions.entries()) {
      direction.credit = this.#orders.window
      this.#refill(index)
    }
  }

  /** Sends on a schedule that does not wait for the server; latency counts from the moment a message was due. Spins, so as not to be late itself. */
  #pace(): void {
    this.#windowed = false
    const began = performance.now()
    const intervalMs = 1_000 / this.#orders.pacedRate
    let count = 0
    const tick = (): void => {
      while (this.#unsent > 0 && began + count * intervalMs <= performance.now()) {
        this.#directions[count % this.#directions.length]?.send(1, began + count * intervalMs)
        count++
        this.#unsent--
      }
      if (this.#unreceived > 0) setImmediate(tick)
    }
    tick()
  }

  async #stretch(messages: number, start: () => void): Promise<Stretch> {
    this.#latencies = []
    this.#unsent = messages
    this.#unreceived = messages
    this.#lastArrival = performance.now()
    const meter = new Meter(this.#orders)
    await new Promise<void>((resolve, reject) => {
      this.#finished = resolve
      this.#failed = reject
      const watch = setInterval(() => {
        if (performance.now() - this.#lastArrival > STALL_MS)
          reject(new Error(`stalled with ${this.#unreceived} of ${messages} messages missing`))
      }, 1_000)
      watch.unref()
      start()
    })
    return { messages, ...meter.read(), latenciesMs: percentiles(this.#latencies) }
  }
}

function percentiles(values: number[]): Stretch['latenciesMs'] {
  const sorted = Float64Array.from(values).sort()
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}

sendReport(await new Load((await receiveOrders()) as ChatOrders).run())
