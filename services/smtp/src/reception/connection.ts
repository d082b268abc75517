/** One TCP connection as the conversation uses it: lines and chunks in by deadline, replies out together (RFC 2920 §3.2), TLS on demand. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { OperationalError } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import { clientAddress } from './client-address.ts'
import { PROXY_HEADER_BYTES_MAX, readProxyHeader } from './proxy-header.ts'
import type { TlsIdentity } from './tls-context.ts'

const messages = {
  SMTP_CONNECTION_LOST: 'The client is gone',
  SMTP_TIMEOUT: 'The client took too long',
  SMTP_LINE_ENDING: 'A line does not end in CRLF',
  SMTP_LINE_TOO_LONG: 'A line is too long',
  SMTP_TLS_FAILED: 'TLS did not come about',
  SMTP_PROXY_MALFORMED: 'A proxy did not say who its client is',
  SMTP_EXCESS: 'The client sends more than it may',
} as const

/** Nothing more can be read. Where something can still be said, the conversation says it. */
export class ConnectionError extends OperationalError {
  override readonly name = 'ConnectionError'
  declare readonly code: keyof typeof messages

  constructor(code: keyof typeof messages, options?: { cause?: unknown }) {
    super(code, messages[code], options)
  }
}

/** Replies kept back until the client waits for them; beyond it they leave at once. */
const OUT_CHARS_MAX = 16 * 1024
/** A client that does not read its replies may leave so many bytes of them. */
const UNREAD_BYTES_MAX = 64 * 1024
/** Time for the last reply to arrive. */
const END_MS = 2_000
const HANDSHAKE_MS_MAX = 30_000
const LF = 0x0a
const CR = 0x0d
const NOTHING = Buffer.alloc(0)

/** RFC 5929 and RFC 9266. In TLS 1.2 the exporter would need the extended master secret, which cannot be seen from here. */
const BINDINGS_TLS_1_3: readonly string[] = ['tls-exporter', 'tls-server-end-point']
const BINDINGS_TLS_1_2: readonly string[] = ['tls-server-end-point']

export class Connection {
  /** Of the client, an IPv4 one never as IPv6; behind a proxy as that says. */
  address: string
  readonly #clock: Clock
  #socket: Socket
  #endPoint: Buffer | undefined
  #in: Buffer = NOTHING
  #out = ''
  /** Nothing more will come. */
  #drained = false
  /** Nothing more can be said. */
  #closed = false
  #wake: () => void = () => undefined

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
    this.address = clientAddress(socket.remoteAddress ?? '')
    this.#listen(socket)
  }

  get tls(): { version: string; cipher: string } | undefined {
    const socket = this.#socket
    if (!(socket instanceof TLSSocket)) return undefined
    return { version: socket.getProtocol() ?? '', cipher: socket.getCipher().standardName }
  }

  get channelBindings(): readonly string[] {
    const version = this.tls?.version
    if (version === undefined) return []
    return version === 'TLSv1.3' ? BINDINGS_TLS_1_3 : BINDINGS_TLS_1_2
  }

  channelBinding(type: string): Buffer | undefined {
    const socket = this.#socket
    if (!(socket instanceof TLSSocket) || !this.channelBindings.includes(type)) return undefined
    if (type === 'tls-server-end-point') return this.#endPoint
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  /** Bytes are here that were not asked for yet. */
  get hasInput(): boolean {
    return this.#in.length > 0 || this.#socket.readableLength > 0
  }

  /** The client is gone, or was sent away. One that only has nothing more to say still gets its replies. */
  get closed(): boolean {
    return this.#closed
  }

  /** The next line without its CRLF. Throws ConnectionError. */
  async readLine(bytesMax: number, deadlineMs: number): Promise<Buffer> {
    for (let searched = 0; ;) {
      const end = this.#in.indexOf(LF, searched)
      if (end > bytesMax || (end === -1 && this.#in.length > bytesMax))
        throw new ConnectionError('SMTP_LINE_TOO_LONG')
      if (end !== -1) {
        if (this.#in[end - 1] !== CR) throw new ConnectionError('SMTP_LINE_ENDING')
        return this.#take(end + 1).subarray(0, end - 1)
      }
      searched = this.#in.length
      this.#in = Buffer.concat([this.#in, await this.#receive(deadlineMs)])
    }
  }

  /** Whatever comes next, at least one byte. Throws ConnectionError. */
  async readChunk(deadlineMs: number): Promise<Buffer> {
    return this.#in.length > 0 ? this.#take(this.#in.length) : await this.#receive(deadlineMs)
  }

  /** Gives back what was read too far. */
  unread(bytes: Buffer): void {
    this.#in = this.#in.length === 0 ? bytes : Buffer.concat([bytes, this.#in])
  }

  /** Says a reply, with what follows it in the same turn. */
  write(text: string): void {
    this.#out += text
    if (this.#out.length > OUT_CHARS_MAX) this.flush()
  }

  flush(): void {
    if (this.#out === '' || this.#closed) return
    this.#socket.write(this.#out)
    this.#out = ''
    if (this.#socket.writableLength > UNREAD_BYTES_MAX) this.destroy()
  }

  /** The PROXY protocol: before anything else, TLS included. Throws ConnectionError. */
  async readProxyHeader(deadlineMs: number): Promise<void> {
    for (;;) {
      this.#in = Buffer.concat([this.#in, await this.#receive(deadlineMs)])
      const header = readProxyHeader(this.#in)
      if (header.result === 'malformed') throw new ConnectionError('SMTP_PROXY_MALFORMED')
      if (header.result === 'header') {
        this.#take(header.length)
        this.address = header.client ?? this.address
        return
      }
      if (this.#in.length > PROXY_HEADER_BYTES_MAX) throw new ConnectionError('SMTP_PROXY_MALFORMED')
    }
  }

  /** Resolves when the handshake is done. What was received before it is the beginning of the handshake. Throws ConnectionError. */
  async startTls({ context, endPoint }: TlsIdentity): Promise<void> {
    this.flush()
    const plain = this.#socket
    plain.removeAllListeners('readable')
    if (this.#in.length > 0) plain.unshift(this.#take(this.#in.length))
    const secured = new TLSSocket(plain, { isServer: true, secureContext: context, requestCert: false })
    this.#socket = secured
    this.#endPoint = endPoint
    const timer = this.#clock.after(HANDSHAKE_MS_MAX, () => secured.destroy())
    const failed = Promise.withResolvers<never>()
    secured.on('error', (cause) => {
      failed.reject(new ConnectionError('SMTP_TLS_FAILED', { cause }))
      secured.destroy()
    })
    secured.on('close', () => failed.reject(new ConnectionError('SMTP_TLS_FAILED')))
    try {
      await Promise.race([once(secured, 'secure'), failed.promise])
    } catch (error) {
      this.destroy()
      throw error
    } finally {
      timer[Symbol.dispose]()
    }
    failed.promise.catch(() => undefined)
    this.#listen(secured)
  }

  /** Says what is to be said, and closes. */
  end(): void {
    this.flush()
    if (this.#closed) return
    this.#close()
    const socket = this.#socket
    socket.end()
    socket.resume()
    const timer = this.#clock.after(END_MS, () => socket.destroy())
    socket.once('close', () => timer[Symbol.dispose]())
  }

  destroy(): void {
    this.#close()
    this.#socket.destroy()
  }

  #listen(socket: Socket): void {
    socket.on('readable', () => this.#wake())
    socket.on('end', () => {
      if (socket !== this.#socket) return
      this.#drained = true
      this.#wake()
    })
    socket.on('close', () => {
      if (socket === this.#socket) this.#close()
    })
    socket.on('error', () => socket.destroy())
  }

  #close(): void {
    this.#drained = true
    this.#closed = true
    this.#wake()
  }

  #take(bytes: number): Buffer {
    const taken = this.#in.subarray(0, bytes)
    this.#in = this.#in.length === bytes ? NOTHING : this.#in.subarray(bytes)
    return taken
  }

  /** From the socket, which is read no faster than we ask. */
  async #receive(deadlineMs: number): Promise<Buffer> {
    for (;;) {
      const chunk = this.#socket.read() as Buffer | null
      if (chunk !== null) return chunk
      if (this.#drained) throw new ConnectionError('SMTP_CONNECTION_LOST')
      this.flush()
      const wait = deadlineMs - this.#clock.monotonic()
      if (wait <= 0) throw new ConnectionError('SMTP_TIMEOUT')
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      const timer = this.#clock.after(wait, resolve)
      await promise
      timer[Symbol.dispose]()
    }
  }
}
