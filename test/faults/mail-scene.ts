/** A mail relay that is killed and comes back over the same data, people with mailboxes, servers to deliver to, and what became of each mail. */
import { readdir, readFile } from 'node:fs/promises'
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

export class MailScene implements AsyncDisposable {
  readonly gate: PostgresGate
  readonly #platform: TestPlatform
  readonly #ca: string
  readonly #settings: Readonly<Record<string, string>>
  #relay: MailRelay
  /** Has loaded its program already. */
  #next: MailRelay
  #letters = 0

  private constructor(
    platform: TestPlatform,
    gate: PostgresGate,
    ca: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#platform = platform
    this.gate = gate
    this.#ca = ca
    this.#settings = settings
    this.#relay = this.#standby()
    this.#next = this.#standby()
  }

  /** `people` get accounts, all with the same password; Ann, who writes the letters, is one of them. The relay runs. */
  static async set(
    people: readonly string[],
    settings: Readonly<Record<string, string>>,
    databaseUrl?: string,
  ): Promise<MailScene> {
    const platform = await createTestPlatform(['localhost'], databaseUrl)
    const { bus, clock, random, caFile } = platform
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    for (const name of ['ann', ...people]) await accounts.create(parseJid(`${name}@localhost`), PASSWORD)
    const gate = await PostgresGate.open(platform.databaseUrl)
    const scene = new MailScene(platform, gate, await readFile(caFile, 'utf8'), settings)
    await scene.#relay.start(settings)
    return scene
  }

  get relay(): MailRelay {
    return this.#relay
  }

  get spoolDir(): string {
    return join(this.#platform.dataDir, 'spool')
  }

  get dataDir(): string {
    return this.#platform.dataDir
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
    const client = await SmtpClient.connect(this.#relay.ports.submissions, { ca: this.#ca })
    await client.ask()
    await client.ask('EHLO client.example')
    await client.ask(`AUTH PLAIN ${Buffer.from(`\0${ANN}\0${PASSWORD}`).toString('base64')}`)
    await client.ask(`MAIL FROM:<${ANN}>`)
    for (const recipient of to) await client.ask(`RCPT TO:<${recipient}>`)
    const reply = await client.ask('DATA')
    if (!reply.startsWith('354')) throw new Error(reply)
    await client.sendAll(Buffer.from(data))
    return client
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
    const { items } = (await (await this.api(name, '/v1/mail')).json()) as { items: { id: string }[] }
    return items.map(({ id }) => id)
  }

  /** What waits for an account. */
  async read(name: string): Promise<string[]> {
    const mails: string[] = []
    for (const id of await this.idsIn(name)) mails.push(await (await this.api(name, `/v1/mail/${id}`)).text())
    return mails
  }

  /** Keys of mails in the keyring's file: a page that says whose it is, then one slot of 64 bytes a key or a queue; a free slot is all zeros. */
  async keys(): Promise<number> {
    const file = await readFile(join(this.#platform.dataDir, 'keyring/smtp/keyring.slots'))
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
    await this.gate[Symbol.asyncDispose]()
    await this.#platform[Symbol.asyncDispose]()
  }

  #standby(): MailRelay {
    return new MailRelay({ databaseUrl: this.gate.url, dataDir: this.#platform.dataDir })
  }
}
