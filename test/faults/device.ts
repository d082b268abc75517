/**
 * A client as people have them, over real sockets: counts (XEP-0198), resumes when it can, signs in anew when it cannot, and sends again what `h` had not
 * passed. Its messages, sent and received, outlive its connections.
 */
import { randomUUID } from 'node:crypto'
import { type Element, NS_BIND2, NS_CARBONS, NS_CLIENT, NS_FORWARD, NS_SASL2, NS_SM } from '@sealpost/stanza'
import { TestClient } from '../../services/xmpp/test/client.ts'
import {
  bindWith,
  conditionOf,
  ENABLE,
  enter,
  type Request2,
  requestToken,
  tokenOf,
} from '../../services/xmpp/test/sasl2-client.ts'
import type { Arrival, Ledger, Message } from './ledger.ts'

export interface World {
  readonly ledger: Ledger
  /** Names of the devices that must get a message from this device to that account. */
  obliged(sender: Device, account: string): readonly string[]
  /** Nobody of this account is there, nor will be while this relay lives: what is sent to it is safe only when it is sealed. */
  isAway(account: string): boolean
}

/** A stanza on its way to the relay. */
interface Sent {
  readonly message: Message | undefined
  /** Acknowledged on the same stream before it, and sealed after it at the latest: taken for certain, once it is safe. */
  readonly proves: readonly Arrival[]
}

/** For as long as it may be resumed. */
interface Session {
  readonly previd: string | undefined
  /** Stanzas sent that `h` has not passed. */
  readonly unacknowledged: Sent[]
  h: number
}

/** The connection ended under an action. */
export class Broken extends Error {}

/** Longer than any answer takes: actions end with the connection. */
const PATIENCE_MS = 60_000
const CARBONS = `<enable xmlns='${NS_CARBONS}'/>`

export class Device {
  readonly name: string
  readonly account: string
  /** SASL2 with a token, one round trip; otherwise SASL, bind and enable one after the other. */
  readonly modern: boolean
  /** Messages that the relay has called safe. */
  acknowledged = 0
  readonly #world: World
  readonly #userAgent = randomUUID()
  #token: string | undefined
  #client: TestClient | undefined
  /** The client of the session that may be resumed. */
  #lost: TestClient | undefined
  #session: Session | undefined
  /** Of sessions that are over, to be sent again in the next. */
  #again: Message[] = []
  #up = false
  /** Arrivals that are not acknowledged yet, in the order of their places. */
  #unread: Arrival[] = []
  /** Acknowledged on this connection, and not proven yet. */
  #unproven: Arrival[] = []
  #connectedAtMs = 0

  constructor(world: World, account: string, name: string, modern: boolean) {
    this.#world = world
    this.account = account
    this.name = `${account}/${name}`
    this.modern = modern
  }

  /** Signed in, and may send. */
  get up(): boolean {
    return this.#up
  }

  /** Messages that the relay has not called safe. */
  get unsafe(): number {
    const waiting = this.#session?.unacknowledged.filter(({ message }) => message !== undefined).length ?? 0
    return waiting + this.#again.length
  }

  /** Resumes, or signs in anew and sends again. Throws Broken when the connection ends meanwhile. */
  async connect(port: number): Promise<void> {
    this.#connectedAtMs = Date.now()
    this.#unproven = []
    const client = await TestClient.open({ port, direct: true, patienceMs: PATIENCE_MS }).catch(
      (cause: unknown) => {
        throw new Broken('not connected', { cause })
      },
    )
    this.#client = client
    client.onElement = (element) => this.#onElement(client, element)
    const ended = client.ended().then(() => {
      if (this.#client === client) this.#up = false
      throw new Broken('the connection ended')
    })
    ended.catch(() => undefined)
    const entered = this.#enter(client)
    entered.catch(() => undefined) // it loses patience long after the connection ended
    await Promise.race([entered, ended])
  }

  async #enter(client: TestClient): Promise<void> {
    await client.openStream()
    const [session, received] = [this.#session, this.#lost?.received]
    const h = this.modern ? await this.#enterModern(client) : await this.#enterClassic(client)
    this.#lost = client
    this.#up = true
    if (h === undefined || !session) return this.#start(client)
    this.#counted(h)
    this.#acknowledged(received ?? 0)
    for (const { message } of session.unacknowledged.splice(0)) {
      if (message) this.#transmit(message)
    }
  }

  /** @returns the relay's count, when the session was resumed. */
  async #enterClassic(client: TestClient): Promise<number | undefined> {
    await client.authenticate({ port: 0, username: this.account, password: 'secret' })
    if (this.#session?.previd !== undefined && this.#lost) {
      const answer = await client.resume(this.#session.previd, this.#lost)
      if (answer.name === 'resumed') return Number(answer.attrs['h'])
      this.#failed(answer)
    }
    this.#giveUpSession()
    await client.bind(this.name.split('/')[1])
    this.#session = { previd: await client.enableStreamManagement(), unacknowledged: [], h: 0 }
    this.#stanza(client, `<iq type='set' id='carbons'>${CARBONS}</iq>`)
    return undefined
  }

  async #enterModern(client: TestClient): Promise<number | undefined> {
    const { previd } = this.#session ?? {}
    client.counting(this.#lost?.received ?? 0)
    const received = this.#lost?.received ?? 0
    const resume = previd === undefined ? '' : `<resume xmlns='${NS_SM}' previd='${previd}' h='${received}'/>`
    const request: Request2 = {
      username: this.account,
      userAgent: this.#userAgent,
      inline: resume + bindWith(ENABLE + CARBONS) + (this.#token === undefined ? requestToken() : ''),
      ...(this.#token === undefined ? {} : { token: this.#token }),
    }
    const success = await enter(client, request)
    this.#token = tokenOf(success) ?? this.#token
    const resumed = success.child('resumed', NS_SM)
    if (resumed) return Number(resumed.attrs['h'])
    const failed = success.child('failed', NS_SM)
    if (failed) this.#failed(failed)
    this.#giveUpSession()
    const enabled = success.child('bound', NS_BIND2)?.child('enabled', NS_SM)
    if (!enabled) throw new Error(`not bound: ${conditionOf(success)}`)
    this.#session = { previd: enabled.attrs['id'], unacknowledged: [], h: 0 }
    return undefined
  }

  /** What follows a new session: what the last one left goes before anything new. */
  #start(client: TestClient): void {
    this.#stanza(client, '<presence/>')
    for (const message of this.#again.splice(0)) this.#transmit(message)
  }

  /** A new message, and the question whether it is safe. */
  send(account: string, ttlSeconds?: number): void {
    if (!this.#up) return
    this.#transmit(this.#world.ledger.create(account, ttlSeconds, this.#world.obliged(this, account)))
  }

  #transmit(message: Message): void {
    message.transmissions++
    if (this.#client) this.#stanza(this.#client, messageXml(message), message)
  }

  #stanza(client: TestClient, xml: string, message?: Message): void {
    const proves = message && this.#world.isAway(message.to) ? this.#unproven.splice(0) : []
    this.#session?.unacknowledged.push({ message, proves })
    client.sends(`${xml}<r xmlns='${NS_SM}'/>`)
  }

  /** Takes what comes, and says nothing of it, or catches up. */
  mute(muted: boolean): void {
    const client = this.#client
    if (!client || !this.#up) return
    client.acknowledging = !muted
    if (muted) return
    client.acknowledge()
    this.#acknowledged(client.received)
  }

  /** The network breaks. */
  async drop(): Promise<void> {
    const client = this.#client
    this.#up = false
    await client?.drop()
  }

  /** Resolves when its connection has ended. */
  async gone(): Promise<void> {
    await this.#client?.ended()
  }

  /** A clean goodbye. */
  async close(): Promise<void> {
    const client = this.#client
    this.#up = false
    await client?.close()
    this.#giveUpSession()
    this.#lost = undefined
  }

  async ping(): Promise<void> {
    this.#session?.unacknowledged.push({ message: undefined, proves: [] })
    await this.#client?.ping()
  }

  #onElement(client: TestClient, element: Element): void {
    if (client !== this.#client) return
    if (element.is('resumed', NS_SM) || element.child('resumed', NS_SM)) this.#lost = client
    else if (element.is('success', NS_SASL2)) client.received = 0
    else if (element.is('r', NS_SM) && client.acknowledging) this.#acknowledged(client.received)
    else if (element.is('a', NS_SM)) this.#counted(Number(element.attrs['h']))
    else if (element.name === 'message') this.#onMessage(client, element)
  }

  #onMessage(client: TestClient, stanza: Element): void {
    const { ledger } = this.#world
    if (stanza.attrs['type'] === 'error')
      return ledger.refused(stanza.attrs['id'] ?? '', stanza.child('error')?.elements()[0]?.name ?? '')
    const copy = stanza.child('sent', NS_CARBONS)
    const inner = copy?.child('forwarded', NS_FORWARD)?.child('message', NS_CLIENT) ?? stanza
    const arrival = ledger.arrived(this.name, inner.attrs['id'] ?? '', client.received, this.#connectedAtMs)
    if (arrival) this.#unread.push(arrival)
  }

  #acknowledged(count: number): void {
    for (const arrival of this.#unread) if (arrival.place <= count) this.#unproven.push(arrival)
    this.#unread = this.#unread.filter(({ place }) => place > count)
  }

  /** `h` (XEP-0198 §4) */
  #counted(h: number): void {
    const session = this.#session
    if (!session) return
    const count = h - session.h
    if (count < 0 || count > session.unacknowledged.length)
      throw new Error(`${this.name}: h=${h} after ${session.h}, ${session.unacknowledged.length} outstanding`)
    session.h = h
    const now = Date.now()
    for (const { message, proves } of session.unacknowledged.splice(0, count)) {
      for (const arrival of proves) arrival.takenAtMs = now
      if (!message) continue
      message.acknowledgedAtMs ??= now
      this.acknowledged++
    }
  }

  /** XEP-0198 §5: with `h` the server says what it had handled all the same. */
  #failed(answer: Element): void {
    if (answer.attrs['h'] !== undefined) this.#counted(Number(answer.attrs['h']))
  }

  #giveUpSession(): void {
    for (const { message } of this.#session?.unacknowledged ?? []) if (message) this.#again.push(message)
    this.#session = undefined
    this.#unread = []
  }
}

/** An OMEMO message (XEP-0384 0.3) as its server sees it. */
function messageXml({ id, to, ttlSeconds }: Message): string {
  const expire =
    ttlSeconds === undefined ? '' : `<expire xmlns='urn:sealpost:expire:0' seconds='${ttlSeconds}'/>`
  return (
    `<message to='${to}@localhost' type='chat' id='${id}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
    `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header>` +
    `<payload>${'c2VhbGVk'.repeat(8)}</payload></encrypted>${expire}</message>`
  )
}
