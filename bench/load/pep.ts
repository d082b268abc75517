/** The load of the benchmark `pep`: a process of its own, started by bench/pep.ts on its own core. Account 0 publishes, all others are its contacts. */
import { createHash, randomBytes } from 'node:crypto'
import type { Client } from './client.ts'
import { Meter, type Cost, type ServerPlace } from './cost.ts'
import { forEachOf, NO_REACTIONS, openClient } from './crowd.ts'
import { receiveOrders, sendReport } from './orders.ts'

export interface PepOrders extends ServerPlace {
  readonly contacts: number
  readonly publications: number
  readonly warmUp: number
  /** Publications under way. */
  readonly window: number
  /** Publications one at a time. */
  readonly singles: number
}

export interface PepReport {
  readonly fast: Cost & { readonly publications: number; readonly notifications: number }
  /** Milliseconds from a publication to its last notification. */
  readonly single: { readonly p50: number; readonly p99: number }
}

const NODE = 'urn:sealpost:bench'
const PAYLOAD_BYTES = 1_000
/** Both sides subscribe, since servers learn from presence what clients want. A session of ours may send 100 presence stanzas at once: each befriends so many and makes way for the next. */
const BEFRIENDED_BY_SESSION = 45
const STALL_MS = 20_000
/** Between attempts to reach everybody while servers still find out what clients want. */
const DISCOVERY_MS = 1_000

/** A kind of client (XEP-0115 §5.1). */
interface Kind {
  readonly presence: string
  readonly info: string
}

function kind(...features: readonly string[]): Kind {
  const listed = ['http://jabber.org/protocol/caps', 'http://jabber.org/protocol/disco#info', ...features]
  const described = `client/pc//bench<${listed.toSorted().join('<')}<`
  const ver = createHash('sha1').update(described).digest('base64')
  const name = 'urn:sealpost:bench:client'
  return {
    presence: `<presence><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='${name}' ver='${ver}'/></presence>`,
    info:
      `<query xmlns='http://jabber.org/protocol/disco#info' node='${name}#${ver}'><identity category='client' type='pc' name='bench'/>` +
      `${listed.map((feature) => `<feature var='${feature}'/>`).join('')}</query>`,
  }
}

const INTERESTED = kind(`${NODE}+notify`)
const OTHERS = kind('urn:xmpp:ping')

class Load {
  readonly #orders: PepOrders
  readonly #run = randomBytes(4).toString('hex')
  readonly #contacts: Client[] = []
  /** The number that each contact got last. */
  readonly #last: number[] = []
  #publisher: Client | undefined
  #published = 0
  /** Notifications that have arrived, by publication. */
  readonly #arrived = new Map<number, number>()
  /** Told of a publication that everybody has. */
  #onComplete: (number: number) => void = () => {}
  #failed: (error: Error) => void = (error) => {
    throw error
  }
  /** While servers find out what clients want, contacts may miss some. */
  #strict = false

  constructor(orders: PepOrders) {
    this.#orders = orders
  }

  async run(): Promise<PepReport> {
    const { publications, warmUp, window, singles } = this.#orders
    await this.#gather()
    await this.#untilAllHear()
    this.#strict = true
    await this.#publish(warmUp, window)
    const meter = new Meter(this.#orders)
    await this.#publish(publications, window)
    const fast = { ...meter.read(), publications, notifications: publications * this.#interested }
    const took = (await this.#publish(singles, 1)).toSorted((a, b) => a - b)
    const at = (share: number): number =>
      took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0
    this.#failed = () => {}
    await this.#publisher?.close()
    await Promise.all(this.#contacts.map((client) => client.close()))
    return { fast, single: { p50: at(0.5), p99: at(0.99) } }
  }

  get #interested(): number {
    return Math.ceil(this.#orders.contacts / 2)
  }

  /** Everybody signs in and makes friends with the publisher, so many at a time. */
  async #gather(): Promise<void> {
    const { contacts } = this.#orders
    for (let first = 0; first < contacts; first += BEFRIENDED_BY_SESSION) {
      const count = Math.min(BEFRIENDED_BY_SESSION, contacts - first)
      await this.#publisher?.close()
      this.#publisher = await this.#openPublisher()
      await forEachOf(count, (index) => this.#openContact(first + index))
    }
  }

  async #openPublisher(): Promise<Client> {
    const publisher: Client = await openClient(this.#orders, 0, {
      ...NO_REACTIONS,
      events: true,
      onFailure: (error) => this.#failed(error),
      onPresence: (tag) => {
        const from = /type=["']subscribe["']/.test(tag) ? / from=["']([^"'/]+)/.exec(tag)?.[1] : undefined
        if (from === undefined) return
        publisher.send(`<presence to='${from}' type='subscribed'/><presence to='${from}' type='subscribe'/>`)
      },
    })
    publisher.becomeAvailable()
    await publisher.ping()
    return publisher
  }

  /** Resolves when it and the publisher see each other. */
  async #openContact(index: number): Promise<void> {
    const { domain, accounts } = this.#orders
    const isInterested = index % 2 === 0
    const { presence, info } = isInterested ? INTERESTED : OTHERS
    const { promise, resolve } = Promise.withResolvers<void>()
    const publisher = `${accounts[0]?.username ?? ''}@${domain}`
    const contact: Client = await openClient(this.#orders, index + 1, {
      run: this.#run,
      events: true,
      onChunkEnd: () => {},
      onMessage: (number) => this.#onNotification(index, number),
      onFailure: (error) => this.#failed(error),
      onPresence: (tag) => {
        if (!/type=["']subscribe["']/.test(tag)) return
        contact.send(`<presence to='${publisher}' type='subscribed'/>`)
        resolve()
      },
      onIq: (xml) => answerDiscovery(xml, info),
    })
    this.#contacts[index] = contact
    this.#last[index] = -1
    contact.send(`<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>`) // RFC 6121 §2.2: hears of subscriptions
    contact.send(presence)
    contact.send(`<presence to='${publisher}' type='subscribe'/>`)
    const limit = setTimeout(() => this.#failed(new Error('a subscription was not approved')), STALL_MS)
    await promise
    clearTimeout(limit)
  }

  #onNotification(index: number, number: number): void {
    const before = this.#last[index] ?? -1
    if (index % 2 !== 0) this.#failed(new Error('somebody was notified who does not want it'))
    if (number <= before || (this.#strict && number !== before + 1))
      this.#failed(new Error(`notification ${number} after ${before}: lost, doubled or out of order`))
    this.#last[index] = number
    const arrived = (this.#arrived.get(number) ?? 0) + 1
    this.#arrived.set(number, arrived)
    if (arrived < this.#interested) return
    this.#arrived.delete(number)
    this.#onComplete(number)
  }

  #send(): number {
    const number = this.#published++
    const payload = `<bench xmlns='${NODE}'>${'x'.repeat(PAYLOAD_BYTES)}</bench>`
    const item = `<item id='${this.#run}-${number}'>${payload}</item>`
    this.#publisher?.send(
      `<iq type='set' id='p${number}'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='${NODE}'>${item}</publish></pubsub></iq>`,
    )
    return number
  }

  /** Publishes until a publication has reached everybody who wants it. */
  async #untilAllHear(): Promise<void> {
    const limit = performance.now() + STALL_MS * 3
    for (let reached = false; !reached;) {
      if (performance.now() > limit) throw new Error('servers do not find out what clients want')
      const number = this.#send()
      reached = await new Promise<boolean>((resolve) => {
        const timer = setTimeout(() => resolve(false), DISCOVERY_MS)
        this.#onComplete = (complete) => {
          if (complete !== number) return
          clearTimeout(timer)
          resolve(true)
        }
      })
    }
  }

  /** Resolves when all have arrived, with how long each took. */
  async #publish(count: number, window: number): Promise<number[]> {
    const sentAt = new Map<number, number>()
    const took: number[] = []
    let left = count
    const next = (): void => {
      if (left-- > 0) sentAt.set(this.#send(), performance.now())
    }
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject
      let lastAt = performance.now()
      const watch = setInterval(() => {
        if (performance.now() - lastAt > STALL_MS)
          reject(new Error(`stalled after ${took.length} of ${count}`))
      }, 1_000)
      this.#onComplete = (number) => {
        lastAt = performance.now()
        took.push(lastAt - (sentAt.get(number) ?? lastAt))
        if (took.length < count) return next()
        clearInterval(watch)
        resolve()
      }
      for (let under = 0; under < window; under++) next()
    })
    return took
  }
}

/** XEP-0115 §6.2: what the client can, to whoever asks. */
function answerDiscovery(xml: string, info: string): string | undefined {
  if (!xml.includes('disco#info') || !/^<iq[^>]* type=["']get["']/.test(xml)) return undefined
  const [, id] = /^<iq[^>]* id=["']([^"']+)/.exec(xml) ?? []
  const [, from] = /^<iq[^>]* from=["']([^"']+)/.exec(xml) ?? []
  return `<iq type='result' id='${id ?? ''}' to='${from ?? ''}'>${info}</iq>`
}

sendReport(await new Load((await receiveOrders()) as PepOrders).run())
