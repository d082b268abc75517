/** Mails that no server takes yet, and mails of strangers in a mailbox; then some are delivered and some are fetched. */
import { expect } from 'vitest'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { MailScene, type Letter } from '../faults/mail-scene.ts'
import { StandingServer } from '../faults/standing-server.ts'
import type { Ledger } from './ledger.ts'

/** Every which mail is so long that its body lies in a file of the spool. */
const LONG_EVERY = 8
const LONG_LINES = 4_500
const LINE = `${'x'.repeat(70)}\r\n`
const PATIENCE_MS = 60_000
/** Of one answer about the queue. */
const MAILS_MAX = 100

/** A mail may be told by its recipient or its sender, its id, its subject, and its body. */
interface Planted {
  readonly letter: Letter
  /** Of a mail that comes from elsewhere. */
  readonly stranger: string | undefined
  readonly texts: readonly string[]
}

export class Letters implements AsyncDisposable {
  readonly #scene: MailScene
  readonly #server: StandingServer
  readonly #ledger: Ledger
  readonly #going: Planted[] = []
  readonly #staying: Planted[] = []
  /** Addresses that the server takes mail for by now. */
  readonly #taken = new Set<string>()

  private constructor(scene: MailScene, server: StandingServer, ledger: Ledger) {
    this.#scene = scene
    this.#server = server
    this.#ledger = ledger
    server.refuse = (address) => (this.#taken.has(address) ? undefined : { code: 451, text: '4.3.0 later' })
  }

  /** `logFile`: where the mail relay says everything. */
  static async open(databaseUrl: string, ledger: Ledger, logFile: string): Promise<Letters> {
    const server = await StandingServer.open()
    const settings = { SMTP_ROUTES: `example.com=${server.place}` }
    const scene = await MailScene.set({ people: ['box'], settings, databaseUrl, logFile })
    return new Letters(scene, server, ledger)
  }

  get keyring(): string {
    return this.#scene.keyring
  }

  get spool(): string {
    return this.#scene.spoolDir
  }

  /** Half of them will be delivered or fetched. */
  async fill(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const planted = this.#write(index)
      if (!(await this.#send(planted))) throw new Error('a mail was not taken')
      ;(index % 2 === 0 ? this.#going : this.#staying).push(planted)
    }
    const inBox = this.#addressed('box@localhost', [...this.#going, ...this.#staying]).length
    await expect.poll(() => this.#boxed(), { timeout: PATIENCE_MS }).toBe(inBox)
  }

  #write(index: number): Planted {
    const [other, id] = [this.#ledger.plant(), this.#ledger.plant()]
    const [subject, body] = [this.#ledger.plant(), this.#ledger.plant()]
    const stranger = index % 4 >= 2 ? `${other}@elsewhere.example` : undefined
    const to = stranger === undefined ? `${other}@example.com` : 'box@localhost'
    const long = index % LONG_EVERY < 4 && index < 2 * LONG_EVERY ? LINE.repeat(LONG_LINES) : ''
    const data =
      `From: <${stranger ?? 'ann@localhost'}>\r\nTo: <${to}>\r\nMessage-ID: <${id}@localhost>\r\nSubject: ${subject}\r\n\r\n` +
      `${body}\r\n${long}`
    return { letter: { id, to: [to], data }, stranger, texts: [other, id, subject, body] }
  }

  /** Whether it was taken. */
  async #send({ letter, stranger }: Planted): Promise<boolean> {
    if (stranger === undefined) return this.#scene.submit(letter)
    using client = await SmtpClient.connect(this.#scene.relay.ports.mx)
    const lines = [
      undefined,
      'EHLO client.example',
      `MAIL FROM:<${stranger}>`,
      'RCPT TO:<box@localhost>',
      'DATA',
    ]
    for (const line of lines) await client.ask(line)
    await client.sendAll(Buffer.from(letter.data))
    return (await client.ask('.')).startsWith('250')
  }

  #addressed(to: string, planted: readonly Planted[]): Planted[] {
    return planted.filter(({ letter }) => letter.to.includes(to))
  }

  async #boxed(): Promise<number> {
    return (await this.#scene.idsIn('box')).length
  }

  /** The server takes half of what it refused, and half of the mailbox is fetched and thrown away. */
  async deliverSome(): Promise<void> {
    for (const { letter } of this.#going) for (const to of letter.to) this.#taken.add(to)
    const operations = await this.#scene.operations()
    const remote = this.#staying.length - this.#addressed('box@localhost', this.#staying).length
    const waiting = async (): Promise<number> => {
      const mails = await operations.queued(MAILS_MAX)
      for (const { id } of mails) await operations.change(id, 'retry')
      return mails.length
    }
    await expect.poll(waiting, { timeout: PATIENCE_MS, interval: 200 }).toBe(remote)
    for (const id of await this.#scene.idsIn('box')) await this.#throwAway(id)
    for (const { texts } of this.#going) for (const text of texts) this.#ledger.isGone(text)
  }

  async #throwAway(id: string): Promise<void> {
    const path = `/v1/mail/${id}`
    const mail = await (await this.#scene.api('box', path)).text()
    if (!this.#going.some(({ texts }) => mail.includes(texts[3] ?? '?'))) return
    expect((await this.#scene.api('box', path, { method: 'DELETE' })).status).toBeLessThan(300)
  }

  kill(): Promise<void> {
    return this.#scene.relay.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scene[Symbol.asyncDispose]()
    await this.#server[Symbol.asyncDispose]()
  }
}
