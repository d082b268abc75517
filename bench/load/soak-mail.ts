/** Mail of the benchmark `soak`: handed to the relay over a connection each, and taken from it by the server where mail ends. */
import { MailSink } from '../../services/smtp/test/mail-sink.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import type { Path } from './path.ts'

const BODY = `${'x'.repeat(76)}\r\n`.repeat(52) // 4 KiB
const NUMBER = /^Subject: soak-(\d+)\r$/m

export interface MailOptions {
  readonly port: number
  readonly sinkPort: number
  readonly accepted: Path
  readonly delivered: Path
}

export class Mails implements AsyncDisposable {
  readonly #port: number
  readonly #accepted: Path
  readonly #delivered: Path
  readonly #sink: MailSink
  /** When those were due that have not come. */
  readonly #under = new Map<number, number>()
  #next = 0
  /** Mails that had come already. */
  twice = 0

  private constructor(options: Omit<MailOptions, 'sinkPort'>, sink: MailSink) {
    this.#port = options.port
    this.#accepted = options.accepted
    this.#delivered = options.delivered
    this.#sink = sink
    void this.#takeAll()
  }

  /** `port`: of the relay, which hands all mail to `sinkPort`. */
  static async open(options: MailOptions): Promise<Mails> {
    return new Mails(options, await MailSink.open(options.sinkPort, { tls: false }))
  }

  start(perSecond: number): Disposable {
    return this.#accepted.start(perSecond, (dueAt) => void this.#send(this.#next++, dueAt))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#sink[Symbol.asyncDispose]()
  }

  async #send(number: number, dueAt: number): Promise<void> {
    this.#under.set(number, dueAt)
    this.#delivered.expect()
    if (await handIn(this.#port, number).catch(() => false))
      return this.#accepted.took(performance.now() - dueAt)
    this.#accepted.refused()
    this.#delivered.refused()
  }

  /** Keeps none of them. */
  async #takeAll(): Promise<never> {
    for (;;) {
      const { message } = await this.#sink.next(0)
      this.#sink.mails.shift()
      this.#sink.envelopes.shift()
      this.#take(Number(NUMBER.exec(message)?.[1]))
    }
  }

  #take(number: number): void {
    const dueAt = this.#under.get(number)
    if (dueAt === undefined) this.twice++
    else this.#delivered.took(performance.now() - dueAt)
    this.#under.delete(number)
  }
}

/** Whether the relay took it. */
async function handIn(port: number, number: number): Promise<boolean> {
  using client = await SmtpClient.connect(port)
  const header = `From: <sender@source.example>\r\nTo: <recipient@sink.example>\r\nSubject: soak-${number}\r\nMessage-ID: <soak-${number}@source.example>\r\n`
  const lines = [
    undefined,
    'EHLO source.example',
    'MAIL FROM:<sender@source.example>',
    'RCPT TO:<recipient@sink.example>',
    'DATA',
    `${header}\r\n${BODY}.`,
  ]
  for (const line of lines) if (!/^[23]/.test(await client.ask(line))) return false
  client.send('QUIT\r\n')
  return true
}
