/** A mail server for tests that takes everything, or refuses as told: smtp-server on loopback, met over real sockets. */
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import type { SMTPServerSession } from 'smtp-server'
import { makeCertificate } from '../../../packages/http/test/_certificate.ts'

export interface SunkMail {
  readonly sender: string
  readonly recipient: string
  /** As it came, lines ending in CRLF. */
  readonly message: string
  /** Whether it came over TLS. */
  readonly secure: boolean
}

export interface SinkOptions {
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined
  /** STARTTLS is offered; true unless told. */
  readonly tls?: boolean
  /** DSN is offered. */
  readonly dsn?: boolean
  /** REQUIRETLS is offered. */
  readonly requireTls?: boolean
  /** RFC 2033 is spoken. */
  readonly lmtp?: boolean
  /** Of TLS 1.2, and of no other version. */
  readonly ciphers?: string
}

export class MailSink implements AsyncDisposable {
  readonly mails: SunkMail[] = []
  /** Of the same mails. */
  readonly envelopes: SMTPServerSession['envelope'][] = []
  /** RCPT is answered with this instead of 250. */
  refusal: { readonly code: number; readonly text: string } | undefined
  /** As `refusal`, for single recipients. */
  refuse: ((address: string) => { readonly code: number; readonly text: string } | undefined) | undefined
  readonly #server: SMTPServer
  readonly #waiting: (() => void)[] = []

  private constructor({
    certificate = makeCertificate('localhost'),
    tls = true,
    requireTls = false,
    dsn = false,
    lmtp = false,
    ciphers,
  }: SinkOptions) {
    const { cert, key } = certificate
    this.#server = new SMTPServer({
      cert,
      key,
      ...(ciphers === undefined ? {} : { ciphers, maxVersion: 'TLSv1.2' }),
      lmtp,
      hideSTARTTLS: !tls,
      hideREQUIRETLS: !requireTls,
      hideDSN: !dsn,
      authOptional: true,
      onRcptTo: ({ address }, _session, callback) => {
        const refusal = this.refuse?.(address) ?? this.refusal
        if (refusal === undefined) callback()
        else callback(Object.assign(new Error(refusal.text), { responseCode: refusal.code }))
      },
      onData: (stream, session, callback) => {
        stream.once('end', () => callback())
        this.#take(stream, session).catch(() => undefined) // Cut off: not taken.
      },
    })
    this.#server.on('error', () => undefined)
  }

  static async open(port = 0, options: SinkOptions = {}): Promise<MailSink> {
    const sink = new MailSink(options)
    const server = sink.#server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return sink
  }

  get smarthost(): { host: string; port: number } {
    return { host: '127.0.0.1', port: (this.#server.server.address() as AddressInfo).port }
  }

  /** The mail after the first `count`, when it is there. */
  async next(count: number): Promise<SunkMail> {
    for (;;) {
      const mail = this.mails[count]
      if (mail !== undefined) return mail
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #take(stream: Readable, { envelope, secure }: SMTPServerSession): Promise<void> {
    const message = await text(stream)
    const sender = envelope.mailFrom === false ? '' : envelope.mailFrom.address
    this.envelopes.push(envelope)
    this.mails.push({ sender, recipient: envelope.rcptTo[0]?.address ?? '', message, secure })
    for (const wake of this.#waiting.splice(0)) wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(resolve))
  }
}
