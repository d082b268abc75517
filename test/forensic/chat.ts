/** People who are away get messages; then some of them come and take a part, and some messages run out. */
import { createAccounts } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import type { Element } from '@sealpost/stanza'
import { expect } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { RelayProcess } from '../faults/relay-process.ts'
import { createTestPlatform, type TestPlatform } from '../platform.ts'
import type { Ledger } from './ledger.ts'

/** A queue takes a thousand. */
const QUEUE = 400
/** Every which message has so many characters: one for each size that messages are padded to. */
const SIZES = [
  [97, 200_000],
  [41, 40_000],
  [13, 9_000],
  [5, 2_500],
  [2, 500],
] as const
/** The last part of the messages runs out while it waits: behind the others, whose keys would else lie where theirs were. */
const EXPIRING = 0.1
const EXPIRE_SECONDS = 8
/** Of one sender. */
const BATCH = 25
const PATIENCE_MS = 60_000

export class Chat implements AsyncDisposable {
  readonly #platform: TestPlatform
  readonly #ledger: Ledger
  /** What waits for each person. */
  readonly #queues: string[][]
  /** What came from each sender, by the resource of their address. */
  readonly #senders = new Map<string, readonly string[]>()
  readonly #expiring: string[] = []
  readonly #logFile: string
  #relay: RelayProcess

  private constructor(platform: TestPlatform, ledger: Ledger, people: number, logFile: string) {
    this.#platform = platform
    this.#ledger = ledger
    this.#queues = Array.from({ length: people }, () => [])
    this.#logFile = logFile
    this.#relay = new RelayProcess(platform, logFile)
  }

  /** `others`: with accounts, besides those who get messages. `logFile`: where the relay says everything. */
  static async open(
    databaseUrl: string,
    ledger: Ledger,
    messages: number,
    others: readonly string[],
    logFile: string,
  ): Promise<Chat> {
    const people = Math.max(4, Math.ceil(messages / QUEUE))
    const platform = await createTestPlatform(['localhost'], databaseUrl)
    const { bus, clock, random } = platform
    await using db = await openDb({ url: databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    const readers = Array.from({ length: people }, (_, index) => nameOf(index))
    for (const name of ['writer', ...readers, ...others])
      await accounts.create(parseJid(`${name}@localhost`), 'secret')
    const chat = new Chat(platform, ledger, people, logFile)
    await chat.#relay.start()
    return chat
  }

  get dataDir(): string {
    return this.#platform.dataDir
  }

  /** Of its HTTP. */
  get origin(): string {
    return this.#relay.origin
  }

  get keyring(): string {
    return `${this.#platform.dataDir}/keyring/keyring.slots`
  }

  /** Sends `count` messages to people who are not there. */
  async fill(count: number): Promise<void> {
    for (const index of this.#queues.keys()) await (await this.signIn(nameOf(index))).close()
    for (let sent = 0; sent < count; sent += BATCH) {
      const indices = Array.from({ length: Math.min(BATCH, count - sent) }, (_, index) => sent + index)
      await this.#send(indices.map((index) => [index, index >= count * (1 - EXPIRING)]))
    }
  }

  /** From an address of their own. */
  async #send(messages: readonly (readonly [index: number, expires: boolean])[]): Promise<void> {
    const [resource, texts] = [this.#ledger.plant(), messages.map(() => this.#ledger.plant())]
    this.#senders.set(resource, texts)
    const writer = await this.signIn('writer', resource)
    for (const [at, [index, expires]] of messages.entries())
      writer.sends(this.#message(texts[at] ?? '', index, expires))
    await writer.safeUpTo(texts.length + 1) // and its presence
    await writer.close()
  }

  #message(text: string, index: number, expires: boolean): string {
    const person = index % this.#queues.length
    if (expires) this.#expiring.push(text)
    else this.#queues[person]?.push(text)
    const [, length] = SIZES.find(([every]) => index % every === 1) ?? [1, 40]
    const expiry = `<expire xmlns='urn:sealpost:expire:0' seconds='${String(EXPIRE_SECONDS)}'/>`
    return encrypted(`${nameOf(person)}@localhost`, text, length, expires ? expiry : '')
  }

  /** Each takes a part of what waits, says so, and loses its connection; from `share` of the first to all of the last. */
  async takeSome(): Promise<void> {
    for (const [index, queue] of this.#queues.entries()) {
      const part = Math.ceil((queue.length * (index + 1)) / this.#queues.length)
      await this.#take(nameOf(index), queue.splice(0, part))
    }
  }

  async #take(name: string, texts: readonly string[]): Promise<void> {
    const device = await this.signIn(name)
    const last = texts.at(-1)
    const isLast = (element: Element): boolean => element.name === 'message' && element.attrs['id'] === last
    const own = new Set(texts)
    // As they come, since only so many are sent ahead; none behind the last.
    device.onElement = ({ name: kind, attrs }) => {
      if (kind === 'message' && own.has(attrs['id'] ?? '')) device.acknowledge(device.received)
    }
    if (last !== undefined) await device.next(isLast, PATIENCE_MS)
    await device.serverCounter() // asked behind the acknowledgement
    await device.drop()
    for (const text of texts) this.#ledger.isGone(text)
  }

  /** Messages whose time is over are destroyed; besides the others there are `more` rows in the store. With the last of their messages the senders are gone. */
  async expire(more: number): Promise<void> {
    const waiting = this.#queues.reduce((sum, queue) => sum + queue.length, more)
    await expect.poll(() => this.#rows(), { timeout: PATIENCE_MS, interval: 250 }).toBe(waiting)
    for (const text of this.#expiring.splice(0)) this.#ledger.isGone(text)
    for (const [sender, texts] of this.#senders)
      if (texts.every((text) => this.#ledger.gone.has(text))) this.#ledger.isGone(sender)
  }

  async #rows(): Promise<number> {
    await using db = await openDb({ url: this.#platform.databaseUrl, role: 'sealpost_xmpp' })
    const [row] = await db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
    return row?.count ?? -1
  }

  /** Acknowledges nothing by itself. */
  async signIn(username: string, resource = 'desk'): Promise<TestClient> {
    const client = await this.authenticate(username)
    await client.bind(resource)
    await client.enableStreamManagement()
    client.sends('<presence/>')
    return client
  }

  /** As far as a session may be resumed. */
  async authenticate(username: string): Promise<TestClient> {
    const options = { port: this.#relay.port, direct: true, patienceMs: PATIENCE_MS }
    const client = await TestClient.connect(options)
    await client.authenticate({ ...options, username, password: 'secret' })
    client.acknowledging = false
    return client
  }

  /** A clean stop and a start. */
  async restart(): Promise<void> {
    await this.stop()
    this.#relay = new RelayProcess(this.#platform, this.#logFile)
    await this.#relay.start()
  }

  stop(): Promise<void> {
    return this.#relay.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.kill()
    await this.#platform[Symbol.asyncDispose]()
  }
}

/** An OMEMO message that has the text in its id and, with `length` more characters, in its ciphertext. */
export function encrypted(to: string, text: string, length: number, more = ''): string {
  const payload = `${text}${'A'.repeat(length)}`
  const padded = payload.padEnd(Math.ceil(payload.length / 4) * 4, 'A')
  return (
    `<message to='${to}' type='chat' id='${text}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
    `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header><payload>${padded}</payload></encrypted>${more}</message>`
  )
}

const nameOf = (index: number): string => `reader${String(index)}`
