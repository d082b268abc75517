/**
 * R24: the relay is stopped under load and started again in another process: everybody resumes there, nothing is lost and nothing comes
 * twice. `CLIENTS=2000 npx vitest run --project scenario services/xmpp/test/deploy` for many.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Element, NS_BIND2, NS_SM } from '@sealpost/stanza'
import { expect } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import { TestClient } from './client.ts'
import { DeliveryFixture } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'
import { RelayProcess } from './relay-process.ts'
import { bindWith, ENABLE, enter } from './sasl2-client.ts'

const CLIENTS = Number(process.env['CLIENTS'] ?? 24)
const PER_ACCOUNT = 4
/** Sign-ins at the same time. */
const AT_ONCE = 32
const PATIENCE_MS = 60_000

/** Sends to one other, keeps what is not acknowledged, and notes what it gets. */
class Chatter {
  readonly received: string[] = []
  readonly sent: string[] = []
  readonly #credentials: { username: string; password: string }
  /** A device of its own, with a queue of its own. */
  readonly #userAgent = randomUUID()
  readonly #inline: boolean
  #client!: TestClient
  #previd = ''
  /** Stanzas sent since `<enable/>`. */
  #stanzas: string[] = []

  constructor(index: number) {
    this.#inline = index % 2 === 0
    this.#credentials = { username: `u${Math.floor(index / PER_ACCOUNT)}`, password: 'secret' }
  }

  get jid(): string {
    return this.#client.jid
  }

  get account(): string {
    return this.#credentials.username
  }

  async signIn(port: number): Promise<void> {
    this.#client = await TestClient.connect({ port })
    const request = { ...this.#credentials, userAgent: this.#userAgent, inline: bindWith(ENABLE) }
    const success = await enter(this.#client, request)
    this.#previd = success.child('bound', NS_BIND2)?.child('enabled', NS_SM)?.attrs['id'] ?? ''
    this.#client.counting()
    this.#send('<presence/>')
  }

  say(to: string): void {
    const id = `${this.jid}-${this.sent.length}`
    this.sent.push(id)
    this.#send(omemo(to, id))
  }

  #send(stanza: string): void {
    this.#stanzas.push(stanza)
    if (!this.#client.closed) this.#client.sends(stanza)
  }

  collect(): void {
    const messages = this.#client.inbox.splice(0).filter(({ name }) => name === 'message')
    this.received.push(...messages.map(({ attrs }) => attrs['id'] ?? ''))
  }

  /** On the new process, whatever it takes from there; sends what was not counted. */
  async resume(port: number): Promise<void> {
    await this.#client.ended()
    this.collect()
    const lost = this.#client
    const back = await TestClient.connect({ port })
    const resumed = await (this.#inline ? this.#resumeInline(back, lost) : this.#resume(port, back, lost))
    if (resumed?.name !== 'resumed') throw new Error(`not resumed: ${String(resumed)}`)
    this.#client = back
    for (const stanza of this.#stanzas.slice(Number(resumed.attrs['h']))) back.sends(stanza)
  }

  async #resume(port: number, back: TestClient, lost: TestClient): Promise<Element> {
    await back.authenticate({ port, ...this.#credentials })
    return back.resume(this.#previd, lost)
  }

  async #resumeInline(back: TestClient, lost: TestClient): Promise<Element | undefined> {
    back.counting(lost.received)
    const inline = `<resume xmlns='${NS_SM}' previd='${this.#previd}' h='${lost.received}'/>`
    const success = await enter(back, { ...this.#credentials, userAgent: this.#userAgent, inline })
    return success.child('resumed', NS_SM)
  }

  async settle(): Promise<void> {
    await this.#client.safeUpTo(this.#stanzas.length)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]()
  }
}

/** As many at a time as a relay takes well. */
async function each<T>(items: readonly T[], task: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items]
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await task(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

longTest(
  `R24: ${CLIENTS} clients go on at the next process, with nothing lost and nothing twice`,
  async () => {
    await using fixture = await DeliveryFixture.start()
    const chatters = Array.from({ length: CLIENTS }, (_, index) => new Chatter(index))
    await each([...new Set(chatters.map(({ account }) => account))], (name) => fixture.account(name))
    await fixture.stop()
    const first = await RelayProcess.start(fixture)
    await each(chatters, (chatter) => chatter.signIn(first.port))
    await using all = new AsyncDisposableStack()
    for (const chatter of chatters) all.use(chatter)
    const partnerOf = (index: number) => chatters[(index + PER_ACCOUNT) % CLIENTS]?.jid ?? ''
    const over = new AbortController()
    const talk = async () => {
      for (let turn = 0; !over.signal.aborted; turn = (turn + 1) % CLIENTS) {
        chatters[turn]?.say(partnerOf(turn))
        if (turn % 50 === 0) await setTimeout(2)
      }
    }
    const talking = talk()
    await setTimeout(500)
    const began = performance.now()
    await first.stop()
    over.abort()
    await talking
    const stoppedMs = performance.now() - began
    const second = await RelayProcess.start(fixture)
    const startedMs = performance.now() - began - stoppedMs
    await each(chatters, (chatter) => chatter.resume(second.port))
    const resumedMs = performance.now() - began - stoppedMs - startedMs
    await each(chatters, (chatter) => chatter.settle())
    const count = chatters.reduce((sum, { sent }) => sum + sent.length, 0)
    const received = () => {
      for (const chatter of chatters) chatter.collect()
      return chatters.reduce((sum, chatter) => sum + chatter.received.length, 0)
    }
    await expect.poll(received, { timeout: PATIENCE_MS }).toBe(count)
    for (const [index, { sent }] of chatters.entries())
      expect(chatters[(index + PER_ACCOUNT) % CLIENTS]?.received).toEqual(sent)
    const [stopped, started, resumed] = [stoppedMs, startedMs, resumedMs].map(Math.round)
    process.stdout.write(
      `R24: ${CLIENTS} clients, ${count} messages: stopped in ${stopped} ms, started in ${started} ms, all back in ${resumed} ms\n`,
    )
    expect(stoppedMs).toBeLessThan(10_000)
    await second.stop()
  },
  240_000,
)
