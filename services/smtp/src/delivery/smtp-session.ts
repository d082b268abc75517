/**
 * RFC 5321 and RFC 2033 from the client's side: one connection to one server, over which mails go one after the other. PIPELINING (RFC 2920) for the envelope,
 * DSN (RFC 3461), SIZE (RFC 1870), 8BITMIME (RFC 6152), SMTPUTF8 (RFC 6531), REQUIRETLS (RFC 8689), STARTTLS (RFC 3207). Left out: CHUNKING, AUTH.
 */
import { type Socket, connect as connectTcp, isIP } from 'node:net'
import { TLSSocket, connect as connectTls } from 'node:tls'
import type { Clock } from '@sealpost/runtime'
import { type ServerReply, ReplyReader } from './reply-reader.ts'
import { SessionError, type SessionErrorCode, ownReply } from './session-error.ts'
import { type TlsDemand, fitsRecords } from './tls-demand.ts'
import { type TlsFault, tlsFault } from './tls-failure.ts'

export interface SessionOptions {
  /** Name of the server: for its certificate, and in what senders are told. */
  readonly host: string
  /** Where it is: an IP address or the path of a socket. */
  readonly address: string
  readonly port: number
  readonly protocol: 'smtp' | 'lmtp'
  /** Said in EHLO or LHLO. */
  readonly name: string
  readonly tls: TlsDemand
  /** TLS from the first byte (RFC 8314 §3.3). */
  readonly implicitTls: boolean
  /** PEM of authorities; undefined: the system's. */
  readonly ca: string | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

const CONNECT_MS_MAX = 15_000
/** RFC 5321 §4.5.3.2 has minutes; who needs them is tried again later. */
const REPLY_MS_MAX = 60_000
/** For the reply to the mail itself, behind which may be a scanner. */
const END_MS_MAX = 5 * 60_000
const QUIT_MS_MAX = 2_000

const PATIENCE = { command: REPLY_MS_MAX, end: END_MS_MAX } as const

export class SmtpSession implements Disposable {
  readonly host: string
  /** EHLO keywords in upper case, with their arguments. */
  extensions: ReadonlyMap<string, string> = new Map()
  /** Mails that went over it. */
  mails = 0
  /** Nothing is begun: another mail may follow. */
  isClean = true
  readonly #options: SessionOptions
  #socket: Socket
  #replies = new ReplyReader()
  #wake: () => void = () => undefined
  #failure: SessionError | undefined

  private constructor(options: SessionOptions) {
    this.#options = options
    this.host = options.host
    this.#socket =
      isIP(options.address) === 0
        ? connectTcp({ path: options.address })
        : connectTcp({ host: options.address, port: options.port })
    options.signal.addEventListener('abort', this.#onAbort)
    this.#listen()
  }

  /** Connected, greeted, as private as demanded. Throws SessionError. */
  static async open(options: SessionOptions): Promise<SmtpSession> {
    const session = new SmtpSession(options)
    try {
      await session.#begin()
      return session
    } catch (error) {
      session[Symbol.dispose]()
      throw error
    }
  }

  /** It can be used: what it says of its own accord, such as goodbye, would be taken for an answer to the next mail. */
  get isOpen(): boolean {
    return this.#failure === undefined && this.#socket.writable && this.#replies.isEmpty
  }

  get isSecure(): boolean {
    return this.#socket instanceof TLSSocket
  }

  /** What is wrong with the server's certificate, also where nobody demands that it is right. */
  get certificateFault(): TlsFault | undefined {
    const socket = this.#socket
    return socket instanceof TLSSocket && !socket.authorized
      ? tlsFault(String(socket.authorizationError))
      : undefined
  }

  has(keyword: string): boolean {
    return this.extensions.has(keyword)
  }

  /** Commands at once where the server bears it; their replies in order. Throws SessionError. */
  async ask(...commands: readonly string[]): Promise<ServerReply[]> {
    const replies: ServerReply[] = []
    if (this.has('PIPELINING')) this.#socket.write(commands.map((command) => `${command}\r\n`).join(''))
    for (const command of commands) {
      if (!this.has('PIPELINING')) this.#socket.write(`${command}\r\n`)
      replies.push(await this.#reply('command'))
    }
    return replies
  }

  /** Together. Waits while the server reads more slowly than we write. */
  async write(...pieces: readonly Buffer[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    this.#socket.cork()
    for (const piece of pieces) this.#socket.write(piece)
    this.#socket.uncork()
    if (!this.#socket.writableNeedDrain) return
    await this.#until('command', () => !this.#socket.writableNeedDrain)
  }

  /** The reply to the mail itself; in LMTP one for each recipient. */
  end(): Promise<ServerReply> {
    return this.#reply('end')
  }

  /** QUIT, and away. */
  quit(): void {
    if (this.isOpen) this.#socket.write('QUIT\r\n')
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    const socket = this.#socket
    socket.end()
    const late = this.#options.clock.after(QUIT_MS_MAX, () => socket.destroy())
    socket.once('close', () => late[Symbol.dispose]())
    this.#failure ??= this.#error('SESSION_LOST')
  }

  [Symbol.dispose](): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#failure ??= this.#error('SESSION_LOST')
    this.#socket.destroy()
  }

  async #begin(): Promise<void> {
    const { tls, implicitTls } = this.#options
    let connected = false
    this.#socket.once('connect', () => (connected = true))
    await this.#until('command', () => connected, CONNECT_MS_MAX, 'SESSION_UNREACHABLE')
    if (implicitTls) await this.#secure()
    const greeting = await this.#reply('command')
    if (greeting.code !== 220) throw this.#error('SESSION_REFUSED', greeting)
    await this.#hello()
    if (implicitTls || tls.kind === 'none') return
    if (this.has('STARTTLS')) return this.#startTls()
    if (tls.kind !== 'opportunistic')
      throw new SessionError(
        'SESSION_TLS',
        ownReply(450, '4.7.4', 'The server offers no TLS, which its domain promises'),
        { fault: { type: 'starttls-not-supported' } },
      )
  }

  async #hello(): Promise<void> {
    const { protocol, name } = this.#options
    this.extensions = new Map()
    const [hello] = await this.ask(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${name}`)
    if (hello?.code === 250) {
      this.extensions = readExtensions(hello.text)
      return
    }
    if (protocol === 'lmtp' || hello === undefined || hello.code === 421 || hello.code < 500)
      throw this.#error('SESSION_REFUSED', hello)
    const [old] = await this.ask(`HELO ${name}`) // RFC 5321 §3.2
    if (old?.code !== 250) throw this.#error('SESSION_REFUSED', old)
  }

  async #startTls(): Promise<void> {
    const [ready] = await this.ask('STARTTLS')
    if (ready?.code !== 220)
      throw this.#tlsError(undefined, { type: 'validation-failure', reason: 'STARTTLS_REFUSED' })
    // RFC 3207 §6: what came before the handshake came from anybody.
    if (!this.#replies.isEmpty) throw this.#error('SESSION_MALFORMED')
    await this.#secure()
    await this.#hello()
  }

  async #secure(): Promise<void> {
    const { tls, host, ca, clock } = this.#options
    this.#socket.removeAllListeners('data')
    const secure = connectTls({
      socket: this.#socket,
      ...(isIP(host) === 0 ? { servername: host } : { host }),
      rejectUnauthorized: tls.kind === 'verified',
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
    })
    let done = false
    const failed = (cause?: unknown): void => void (done || this.#fail(this.#tlsError(cause)))
    secure.on('error', failed)
    secure.once('close', failed)
    secure.once('secureConnect', () => {
      done = true
      this.#wake()
    })
    this.#socket = secure
    this.#replies = new ReplyReader()
    this.#listen()
    await this.#until('command', () => done, CONNECT_MS_MAX, 'SESSION_TLS')
    if (tls.kind === 'dane' && !fitsRecords(secure, tls, clock.now()))
      throw this.#tlsError(undefined, { type: 'certificate-not-trusted', reason: 'TLSA_NO_MATCH' })
  }

  #listen(): void {
    const socket = this.#socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      if (!this.#replies.feed(chunk)) this.#fail(this.#error('SESSION_MALFORMED'))
      this.#wake()
    })
    socket.on('drain', () => this.#wake())
    socket.on('connect', () => this.#wake())
    socket.on('error', (cause) =>
      this.#fail(
        this.#error(socket.bytesRead === 0 ? 'SESSION_UNREACHABLE' : 'SESSION_LOST', undefined, cause),
      ),
    )
    socket.on('close', () => this.#fail(this.#error('SESSION_LOST')))
  }

  readonly #onAbort = (): void => {
    this.#fail(this.#error('SESSION_LOST'))
  }

  async #reply(patience: keyof typeof PATIENCE): Promise<ServerReply> {
    let reply: ServerReply | undefined
    await this.#until(patience, () => (reply ??= this.#replies.next()) !== undefined)
    if (reply === undefined) throw this.#error('SESSION_LOST')
    // RFC 5321 §3.8: it may say so at any time, and closes.
    if (reply.code === 421) throw this.#error('SESSION_REFUSED', reply)
    return reply
  }

  /** What has arrived counts even if the connection has gone since. */
  async #until(
    patience: keyof typeof PATIENCE,
    isSo: () => boolean,
    ms: number = PATIENCE[patience],
    late: SessionErrorCode = 'SESSION_LOST',
  ): Promise<void> {
    const limit = this.#options.clock.after(ms, () => this.#fail(this.#error(late)))
    try {
      while (!isSo()) {
        if (this.#failure !== undefined) throw this.#failure
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    } finally {
      limit[Symbol.dispose]()
    }
  }

  #fail(error: SessionError): void {
    this.#failure ??= error
    this.#socket.destroy()
    this.#wake()
  }

  #tlsError(cause?: unknown, fault = tlsFault(cause)): SessionError {
    const reply = ownReply(
      450,
      '4.7.5',
      'The connection to the server could not be encrypted, or it is not who it should be',
    )
    return new SessionError('SESSION_TLS', reply, { cause, fault })
  }

  #error(code: SessionErrorCode, reply?: ServerReply, cause?: unknown): SessionError {
    const { host } = this.#options
    if (reply !== undefined)
      return new SessionError(code, {
        code: reply.code,
        status: reply.status ?? `${reply.code < 500 ? '4' : '5'}.0.0`,
        text: reply.text,
        host,
      })
    return new SessionError(code, OWN_REPLIES[code], { cause })
  }
}

const OWN_REPLIES = {
  SESSION_UNREACHABLE: ownReply(450, '4.4.1', 'The server does not answer'),
  SESSION_REFUSED: ownReply(450, '4.3.2', 'The server takes no mail now'),
  SESSION_TLS: ownReply(450, '4.7.5', 'The connection to the server could not be encrypted'),
  SESSION_LOST: ownReply(450, '4.4.2', 'The connection to the server broke'),
  SESSION_MALFORMED: ownReply(450, '4.5.0', 'The server does not speak SMTP'),
} as const

function readExtensions(text: string): Map<string, string> {
  const [, ...lines] = text.split('\n')
  return new Map(
    lines.map((line) => {
      const [keyword = '', ...args] = line.trim().split(/[ =]+/)
      return [keyword.toUpperCase(), args.join(' ')]
    }),
  )
}
