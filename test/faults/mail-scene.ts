/** A mail relay that is killed and comes back over the same data, people with mailboxes, servers to deliver to, and what became of each mail. */
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createAccounts } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { type MailOperations, mailOperationsClient, openPortSecret } from '@sealpost/ports'
import { systemRandom } from '@sealpost/runtime'
import { expect } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { createTestPlatform, type TestPlatform } from '../platform.ts'
import { MailRelay } from './mail-relay.ts'
import { PostgresGate } from './postgres-gate.ts'

const PASSWORD = 'pass-word'
const ANN = 'ann@localhost'
const KEYRING_HEADER_BYTES = 4096
const SLOT_BYTES = 64
const KIND_AT = 56
const QUEUE_KIND = 0x80
const LINE = `${'x'.repeat(70)}\r\n`

export interface Letter {
  readonly id: string
  readonly to: readonly string[]
  /** Without the dot. */
  readonly data: string
}

export interface MailSceneOptions {
  /** Beside Ann, who writes the letters; all have the same password. */
  readonly people: readonly string[]
  /** Of the relay: variables of the environment. */
  readonly settings: Readonly<Record<string, string>>
  /** Another Postgres than the run's, and no gate before it. */
  readonly databaseUrl?: string
  /** Where keyring and spool lie, instead of the data directory. */
  readonly volume?: string
  /** Where the relay says everything. */
  readonly logFile?: string
}

export class MailScene implements AsyncDisposable {
  readonly #platform: TestPlatform
  readonly #gate: PostgresGate | undefined
  readonly #ca: string
  readonly #settings: Readonly<Record<string, string>>
  readonly #logFile: string | undefined
  #relay: MailRelay
  /** Has loaded its program already. */
  #next: MailRelay
  #letters = 0

  private constructor(
    platform: TestPlatform,
    gate: PostgresGate | undefined,
    ca: string,
    settings: Readonly<Record<string, string>>,
    logFile: string | undefined,
  ) {
    this.#platform = platform
    this.#gate = gate
    this.#ca = ca
    this.#settings = settings
    this.#logFile = logFile
    this.#relay = this.#standby()
    this.#next = this.#standby()
  }

  /** The relay runs when it resolves. */
  static async set({ people, settings, databaseUrl, volume, logFile }: MailSceneOptions): Promise<MailScene> {
    const platform = await createTestPlatform(['localhost'], databaseUrl)
    const { bus, clock, random, caFile, dataDir } = platform
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    for (const name of ['ann', ...people]) await accounts.create(parseJid(`${name}@localhost`), PASSWORD)
    for (const name of volume === undefined ? [] : ['keyring', 'spool']) {
      await mkdir(join(volume ?? '', name))
      await symlink(join(volume ?? '', name), join(dataDir, name))
    }
    const gate = databaseUrl === undefined ? await PostgresGate.open(platform.databaseUrl) : undefined
    const scene = new MailScene(platform, gate, await readFile(caFile, 'utf8'), settings, logFile)
    await scene.#relay.start(settings)
    return scene
  }

  get gate(): PostgresGate {
    if (this.#gate === undefined) throw new Error('there is no gate')
    return this.#gate
  }

  get relay(): MailRelay {
    return this.#relay
  }

  get spoolDir(): string {
    return join(this.#platform.dataDir, 'spool')
  }

  get keyring(): string {
    return join(this.#platform.dataDir, 'keyring/smtp/keyring.slots')
  }

  /** From Ann, `bytes` long or a little more. */
  letter(to: string | readonly string[], bytes = 200): Letter {
    const id = `letter-${String(this.#letters++)}-`
    const recipients = typeof to === 'string' ? [to] : to
    const header = `From: <${ANN}>\r\nTo: <${recipients.join('>, <')}>\r\nMessage-ID: <${id}@localhost>\r\nSubject: ${id}\r\n`
    return { id, to: recipients, data: `${header}\r\n${LINE.repeat(Math.ceil(bytes / LINE.length))}` }
  }

  /** Hands it in as Ann; whether she was told that it was taken. */
  async submit(letter: Letter): Promise<boolean> {
    using client = await this.begin(letter)
    return (await client.ask('.')).startsWith('250')
  }

  /** All of it but the dot. */
  async begin({ to, data }: Letter): Promise<SmtpClient> {
    const client = await this.signIn()
    const lines = [`MAIL FROM:<${ANN}>`, ...to.map((recipient) => `RCPT TO:<${recipient}>`), 'DATA']
    let reply = ''
    for (const line of lines) reply = await client.ask(line)
    if (!reply.startsWith('354')) throw new Error(reply)
    await client.sendAll(Buffer.from(data))
    return client
  }

  /** Ann, on a connection of her own. Throws the reply that refused her. */
  async signIn(): Promise<SmtpClient> {
    const client = await SmtpClient.connect(this.#relay.ports.submissions, { ca: this.#ca })
    const credentials = Buffer.from(`\0${ANN}\0${PASSWORD}`).toString('base64')
    let reply = await client.ask()
    for (const line of ['EHLO client.example', `AUTH PLAIN ${credentials}`])
      if (reply.startsWith('2')) reply = await client.ask(line)
    if (reply.startsWith('235')) return client
    client[Symbol.dispose]()
    throw new Error(reply)
  }

  /** `kill -9`, and the next one over the same data. */
  async killAndRestart(settings = this.#settings): Promise<void> {
    await this.#relay.kill()
    this.#relay = this.#next
    this.#next = this.#standby()
    await this.#relay.start(settings)
  }

  async operations(): Promise<MailOperations> {
    const url = new URL(`http://127.0.0.1:${String(this.#relay.ports.http)}`)
    const secret = await openPortSecret(this.#platform.dataDir, systemRandom)
    return mailOperationsClient({ url, secret, onError: () => undefined })
  }

  /** Resolves when nothing is on its way any more; what waits for its time is tried now. */
  async settled(timeout = 10_000): Promise<void> {
    const operations = await this.operations()
    const waiting = async (): Promise<number> => {
      const mails = await operations.queued(100)
      for (const { id } of mails) await operations.change(id, 'retry')
      return mails.length
    }
    await expect.poll(waiting, { timeout, interval: 20 }).toBe(0)
  }

  /** Over the API, as the account signed in. */
  async api(name: string, path: string, init: RequestInit = {}): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${name}@localhost:${PASSWORD}`).toString('base64')}`
    return await fetch(`http://127.0.0.1:${String(this.#relay.ports.http)}${path}`, {
      ...init,
      headers: {
        authorization,
        ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    })
  }

  async idsIn(name: string): Promise<string[]> {
    const ids: string[] = []
    for (;;) {
      const after = ids.length === 0 ? '' : `?after=${ids.at(-1) ?? ''}`
      const page = (await (await this.api(name, `/v1/mail${after}`)).json()) as { items: { id: string }[] }
      if (page.items.length === 0) return ids
      ids.push(...page.items.map(({ id }) => id))
    }
  }

  /** What waits for an account. */
  async read(name: string): Promise<string[]> {
    const mails: string[] = []
    for (const id of await this.idsIn(name)) mails.push(await (await this.api(name, `/v1/mail/${id}`)).text())
    return mails
  }

  /** Keys of mails in the keyring's file: a page that says whose it is, then one slot of 64 bytes a key or a queue; a free slot is all zeros. */
  async keys(): Promise<number> {
    const file = await readFile(this.keyring)
    let keys = 0
    for (let at = KEYRING_HEADER_BYTES; at < file.length; at += SLOT_BYTES) {
      const slot = file.subarray(at, at + SLOT_BYTES)
      if (slot[KIND_AT] !== QUEUE_KIND && slot.some((byte) => byte !== 0)) keys++
    }
    return keys
  }

  async spooled(): Promise<string[]> {
    return await readdir(this.spoolDir)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.kill()
    await this.#next.kill()
    await this.#gate?.[Symbol.asyncDispose]()
    await this.#platform[Symbol.asyncDispose]()
  }

  #standby(): MailRelay {
    const { databaseUrl, dataDir } = this.#platform
    return new MailRelay({ databaseUrl: this.#gate?.url ?? databaseUrl, dataDir }, this.#logFile)
  }
}
