/** The load of the benchmark `groups`: a process of its own, started by bench/groups.ts on its own core. Client number `account * devices + device`. */
import { randomBytes } from 'node:crypto'
import { Client } from './client.ts'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { forEachOf } from './crowd.ts'
import { MessageTemplate } from './omemo.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface GroupOrders extends ServerPlace {
  /** Of each account. */
  readonly devices: number
  readonly senders: number
  /** Messages that some device has not got yet. */
  readonly underWay: number
  readonly warmUp: number
  readonly messages: number
}

export interface GroupReport {
  readonly messageBytes: number
  readonly messages: number
  /** Of all accounts. */
  readonly devices: number
  readonly enterSeconds: number
  readonly cost: Cost
}

const ASK = Buffer.from(`<r xmlns='urn:xmpp:sm:3'/>`)
const STALL_MS = 60_000
/** Message numbers of one sender begin at its own number times this. */
const OF_SENDER = 1_000_000
/** Each entry is told to all that are there: few at a time, so that no server falls behind far. */
const ENTERING_AT_ONCE = 4

const FORM = Object.entries({
  FORM_TYPE: 'http://jabber.org/protocol/muc#roomconfig',
  'muc#roomconfig_persistentroom': '1',
  'muc#roomconfig_membersonly': '1',
  'muc#roomconfig_publicroom': '0',
  'muc#roomconfig_whois': 'anyone',
})
  .map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
  .join('')

class Load {
  readonly #orders: GroupOrders
  readonly #run = randomBytes(4).toString('hex')
  readonly #room: string
  #clients: Client[] = []
  /** For each client, the next number expected of each sender. */
  readonly #expected: number[][] = []
  /** Devices that have not got a message yet, by its number. */
  readonly #missing = new Map<number, number>()
  readonly #sent: number[]
  readonly #templates: MessageTemplate[]
  /** Devices that have seen themselves in the group. */
  readonly #entered = new Set<number>()
  #unsent = 0
  #turn = 0
  #unfinished = 0
  #progress = 0
  #finished: () => void = () => {}
  #failed: (error: Error) => void = (error) => {
    throw error
  }

  constructor(orders: GroupOrders) {
    this.#orders = orders
    this.#room = `room${this.#run}@groups.${orders.domain}`
    this.#sent = Array.from({ length: orders.senders }, () => 0)
    this.#templates = this.#sent.map(() => new MessageTemplate(this.#room, this.#run, 'groupchat'))
  }

  get #count(): number {
    return this.#orders.accounts.length * this.#orders.devices
  }

  async run(): Promise<GroupReport> {
    const { messages, warmUp } = this.#orders
    await this.#introduce()
    const began = performance.now()
    await this.#enter()
    const enterSeconds = (performance.now() - began) / 1_000
    await this.#stretch(warmUp)
    const meter = new Meter(this.#orders)
    await this.#stretch(messages)
    const cost = meter.read()
    this.#failed = () => {}
    await Promise.all(this.#clients.map((client) => client.close()))
    return { messageBytes: this.#templates[0]?.size ?? 0, messages, devices: this.#count, enterSeconds, cost }
  }

  /** A device that has signed in twice is known to Sealpost, and has a queue of its own. */
  async #introduce(): Promise<void> {
    await forEachOf(this.#count, async (index) => {
      const client = await this.#open(index)
      client.becomeAvailable()
      await client.ping()
      await client.close()
    })
    this.#clients = await forEachOf(this.#count, (index) => this.#open(index))
    for (const client of this.#clients) client.becomeAvailable()
    await Promise.all(this.#clients.map((client) => client.ping()))
  }

  #open(index: number): Promise<Client> {
    const { port, domain, accounts, devices, senders } = this.#orders
    const account = accounts[Math.floor(index / devices)]
    if (account === undefined) throw new Error('there are too few accounts')
    this.#expected[index] = Array.from({ length: senders }, () => 0)
    return Client.open({
      port,
      domain,
      ...account,
      resource: `device-${index % devices}`,
      run: this.#run,
      ignoresOthers: true,
      onPresence: (tag) => void (this.#isOwn(tag, index) && this.#entered.add(index)),
      onMessage: (number) => this.#onMessage(index, number),
      onChunkEnd: () => {},
      onFailure: (error) => this.#failed(error),
    })
  }

  async #enter(): Promise<void> {
    const { accounts, domain } = this.#orders
    const [owner] = this.#clients
    if (!owner) throw new Error('there are no accounts')
    const enter = async (index: number): Promise<void> => {
      const client = this.#clients[index]
      client?.say(
        `<presence to='${this.#ownPlace(index)}'><x xmlns='http://jabber.org/protocol/muc'><history maxchars='0'/></x></presence>`,
      )
      await client?.ping()
    }
    await enter(0)
    const form = `<x xmlns='jabber:x:data' type='submit'>${FORM}</x>`
    owner.say(
      `<iq type='set' id='form' to='${this.#room}'><query xmlns='http://jabber.org/protocol/muc#owner'>${form}</query></iq>`,
    )
    for (const { username } of accounts.slice(1)) {
      const item = `<item affiliation='member' jid='${username}@${domain}'/>`
      owner.say(
        `<iq type='set' id='member' to='${this.#room}'><query xmlns='http://jabber.org/protocol/muc#admin'>${item}</query></iq>`,
      )
    }
    await owner.ping()
    await forEachOf(this.#count - 1, (index) => enter(index + 1), ENTERING_AT_ONCE)
    // What is sent to the group comes back from it whenever it is ready, after the answer to a ping, too.
    for (const end = performance.now() + STALL_MS; this.#entered.size < this.#count;) {
      if (performance.now() > end) throw new Error(`${this.#count - this.#entered.size} have not entered`)
      await Promise.all(this.#clients.map((client) => client.ping()))
    }
  }

  #isOwn(tag: string, index: number): boolean {
    return [`'`, '"'].some((quote) => tag.includes(`=${quote}${this.#ownPlace(index)}${quote}`))
  }

  #ownPlace(index: number): string {
    const { accounts, devices } = this.#orders
    return `${this.#room}/${accounts[Math.floor(index / devices)]?.username ?? ''}`
  }

  #onMessage(index: number, number: number): void {
    const sender = Math.floor(number / OF_SENDER)
    const expected = this.#expected[index]
    if (expected?.[sender] !== number % OF_SENDER)
      throw new Error(`message ${number} instead of ${expected?.[sender]}: lost, doubled or out of order`)
    expected[sender]++
    this.#progress++
    const missing = (this.#missing.get(number) ?? 0) - 1
    if (missing > 0) return void this.#missing.set(number, missing)
    this.#missing.delete(number)
    if (--this.#unfinished === 0) return this.#finished()
    this.#send()
  }

  /** The next sender's next message. */
  #send(): void {
    const sender = this.#turn++ % this.#orders.senders
    const client = this.#clients[sender * this.#orders.devices]
    const template = this.#templates[sender]
    if (this.#unsent === 0 || !client || !template) return
    this.#unsent--
    const number = sender * OF_SENDER + (this.#sent[sender] ?? 0)
    this.#sent[sender] = (this.#sent[sender] ?? 0) + 1
    this.#missing.set(number, this.#count)
    const bytes = Buffer.allocUnsafe(template.size + ASK.length)
    ASK.copy(bytes, template.write(bytes, 0, number))
    client.send(bytes)
  }

  /** Sends so many, and waits until all devices have them; fails when nothing moves for a while. */
  async #stretch(messages: number): Promise<void> {
    this.#unsent = messages
    this.#unfinished = messages
    let seen = -1
    let watch: NodeJS.Timeout | undefined
    await new Promise<void>((resolve, reject) => {
      this.#finished = resolve
      this.#failed = reject
      watch = setInterval(() => {
        if (seen === this.#progress) reject(new Error('stalled: messages are missing'))
        seen = this.#progress
      }, STALL_MS)
      for (let count = 0; count < this.#orders.underWay; count++) this.#send()
    }).finally(() => clearInterval(watch))
  }
}

sendReport(await new Load((await receiveOrders()) as GroupOrders).run())
