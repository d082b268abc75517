/** A raw SMTP client for tests: lines out, replies in. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'

const PATIENCE_MS = 20_000

export class SmtpClient implements Disposable {
  #socket: Socket
  #received = ''
  #wake = (): void => undefined
  #closed = false

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  /** `before`: said before TLS, as proxies do. */
  static async connect(
    port: number,
    { ca, before }: { ca?: string; before?: string } = {},
  ): Promise<SmtpClient> {
    const plain = connectTcp(port, '127.0.0.1')
    if (before !== undefined) plain.write(before)
    const socket = ca === undefined ? plain : connectTls({ socket: plain, servername: 'localhost', ca })
    await once(socket, ca === undefined ? 'connect' : 'secureConnect')
    return new SmtpClient(socket)
  }

  /** Over a connection that is there. */
  static over(socket: Socket): SmtpClient {
    return new SmtpClient(socket)
  }

  /** Sends a line and gives the reply, its lines joined by LF. Without a line: the reply that comes by itself. */
  async ask(line?: string): Promise<string> {
    if (line !== undefined) this.#socket.write(`${line}\r\n`)
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      const end = /^\d{3} .*\r\n/m.exec(this.#received)
      if (end !== null) {
        const length = end.index + end[0].length
        const reply = this.#received.slice(0, length)
        this.#received = this.#received.slice(length)
        return reply.trim().replaceAll('\r\n', '\n')
      }
      if (this.#closed || performance.now() > deadline) return `closed after ${this.#received}`
      await this.#more()
    }
  }

  /** Nothing more is said. */
  finish(): void {
    this.#socket.end()
  }

  /** RFC 9266 and RFC 5929, from the client's side. */
  channelBinding(type: 'tls-exporter' | 'tls-server-end-point'): Buffer {
    const socket = this.#socket
    if (!(socket instanceof TLSSocket)) throw new Error('no TLS')
    if (type === 'tls-exporter')
      return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    return createHash('sha256').update(socket.getPeerCertificate().raw).digest()
  }

  send(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  /** Under the socket's backpressure. */
  async sendAll(bytes: Buffer): Promise<void> {
    await new Promise((resolve) => this.#socket.write(bytes, resolve))
  }

  async startTls(ca: string): Promise<void> {
    await this.ask('STARTTLS')
    this.#socket.removeAllListeners('data')
    const secure = connectTls({ socket: this.#socket, servername: 'localhost', ca })
    await once(secure, 'secureConnect')
    this.#socket = secure
    this.#listen()
  }

  get closed(): boolean {
    return this.#closed
  }

  async untilClosed(): Promise<void> {
    while (!this.#closed) await this.#more()
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString()
      this.#wake()
    })
    this.#socket.on('error', () => undefined)
    this.#socket.on('close', () => {
      this.#closed = true
      this.#wake()
    })
  }

  async #more(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const late = setTimeout(resolve, PATIENCE_MS)
    await promise
    clearTimeout(late)
  }
}
