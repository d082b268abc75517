/**
 * The load of the benchmarks `accept` and `drain`: a process of its own, started by bench/queue.ts on its own core. Account 2n sends to account 2n + 1,
 * whose device is away and then returns.
 */
import { randomBytes } from 'node:crypto'
import type { Client } from './client.ts'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient } from './crowd.ts'
import { MessageTemplate } from './omemo.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface QueueOrders extends ServerPlace {
  /** Messages of one sender that the server has not acknowledged yet. */
  readonly window: number
  /** For each recipient. */
  readonly messages: number
}

export interface QueueReport {
  readonly messageBytes: number
  readonly messages: number
  readonly accept: Cost
  readonly drain: Cost
}

const ASK = Buffer.from(`<r xmlns='urn:xmpp:sm:3'/>`)
const STALL_MS = 20_000
/** What a server puts off, such as collecting rows whose keys are gone, counts to its processor seconds when it happens this soon. */
const AFTERMATH_MS = 3_000

/** Sends its messages as the server's acknowledgements allow. */
class Sender {
  readonly #client: () => Client | undefined
  readonly #template: MessageTemplate
  readonly #window: number
  readonly #messages: number
  #sent = 0

  constructor(client: () => Client | undefined, template: MessageTemplate, orders: QueueOrders) {
    this.#client = client
    this.#template = template
    this.#window = orders.window
    this.#messages = orders.messages
  }

  get isDone(): boolean {
    return (this.#client()?.acknowledged ?? 0) >= this.#messages
  }

  /** Sends what the window lets through, in one write. */
  refill(): void {
    const client = this.#client()
    if (client === undefined) return
    const count = Math.min(this.#messages, client.acknowledged + this.#window) - this.#sent
    if (count <= 0) return
    const bytes = Buffer.allocUnsafe(count * (this.#template.size + ASK.length))
    let end = 0
    for (let index = 0; index < count; index++) {
      end = this.#template.write(bytes, end, this.#sent++)
      end += ASK.copy(bytes, end)
    }
    client.send(bytes.subarray(0, end))
  }
}

class Load {
  readonly #orders: QueueOrders
  readonly #run = randomBytes(4).toString('hex')
  readonly #pairs: number
  #progress = 0
  #finished: () => void = () => {}
  #failed: (error: Error) => void = (error) => {
    throw error
  }

  constructor(orders: QueueOrders) {
    this.#orders = orders
    this.#pairs = orders.accounts.length / 2
  }

  async run(): Promise<QueueReport> {
    const { domain, accounts, messages } = this.#orders
    await this.#introduce()
    const templates = Array.from(
      { length: this.#pairs },
      (_, pair) => new MessageTemplate(`${accounts[2 * pair + 1]?.username}@${domain}`, this.#run),
    )
    const accept = await this.#accept(templates)
    const drain = await this.#drain()
    return { messageBytes: templates[0]?.size ?? 0, messages: messages * this.#pairs, accept, drain }
  }

  /** A device that has signed in twice is known to Sealpost, and has a queue of its own. */
  async #introduce(): Promise<void> {
    for (let signIn = 0; signIn < 2; signIn++)
      await forEachOf(this.#pairs, async (pair) => {
        const client = await this.#openRecipient(pair, () => {})
        client.becomeAvailable()
        await client.ping()
        await client.close()
      })
  }

  /** From the first message to the moment when the server has taken responsibility for the last. */
  async #accept(templates: readonly MessageTemplate[]): Promise<Cost> {
    const clients: Client[] = []
    const senders = templates.map((template, pair) => new Sender(() => clients[pair], template, this.#orders))
    const advance = (pair: number): void => {
      this.#progress++
      senders[pair]?.refill()
      if (senders.every((sender) => sender.isDone)) this.#finished()
    }
    await forEachOf(this.#pairs, async (pair) => {
      const reactions = { ...NO_REACTIONS, onAcknowledged: () => advance(pair), onFailure: this.#fail }
      const client = await openClient(this.#orders, 2 * pair, reactions)
      client.becomeAvailable()
      clients[pair] = client
    })
    const meter = new Meter(this.#orders)
    await this.#until(() => senders.forEach((sender) => sender.refill()))
    return this.#settle(meter, clients)
  }

  /** From the presence of the devices, which have signed in already, to the last message. */
  async #drain(): Promise<Cost> {
    let missing = this.#pairs * this.#orders.messages
    const received = Array.from({ length: this.#pairs }, () => 0)
    const onMessage = (pair: number, number: number): void => {
      this.#progress++
      if (number !== received[pair])
        throw new Error(`message ${number} instead of ${received[pair]}: lost, doubled or out of order`)
      received[pair] = number + 1
      if (--missing === 0) this.#finished()
    }
    const clients = await forEachOf(this.#pairs, (pair) =>
      this.#openRecipient(pair, (number) => onMessage(pair, number)),
    )
    const meter = new Meter(this.#orders)
    await this.#until(() => clients.forEach((client) => client.becomeAvailable()))
    return this.#settle(meter, clients)
  }

  async #openRecipient(pair: number, onMessage: (number: number) => void): Promise<Client> {
    const reactions = { ...NO_REACTIONS, run: this.#run, onMessage, onFailure: this.#fail }
    return openClient(this.#orders, 2 * pair + 1, reactions)
  }

  readonly #fail = (error: Error): void => this.#failed(error)

  /** Ends the time, sends the clients away and waits for what the server does after that. */
  async #settle(meter: Meter, clients: readonly Client[]): Promise<Cost> {
    meter.lap()
    this.#failed = () => {}
    await Promise.all(clients.map((client) => client.close()))
    await new Promise((resolve) => setTimeout(resolve, AFTERMATH_MS))
    return meter.read()
  }

  /** Starts something and waits for `#finished`; fails when nothing has moved for a while. */
  async #until(start: () => void): Promise<void> {
    let seen = -1
    let watch: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      this.#finished = resolve
      this.#failed = reject
      watch = setInterval(() => {
        if (seen === this.#progress) reject(new Error('stalled: messages are missing'))
        seen = this.#progress
      }, STALL_MS)
      start()
    }).finally(() => clearInterval(watch))
  }
}

sendReport(await new Load((await receiveOrders()) as QueueOrders).run())
