/** XMPP over TCP: STARTTLS (RFC 6120 §5) and direct TLS (XEP-0368). */
import { createHash, X509Certificate } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import * as tls from 'node:tls'
import { TLS_POLICY } from '@sealpost/http'
import type { TlsSource } from '@sealpost/service'
import type { Connection } from './connection.ts'

/** XEP-0368 §4: who asks for another protocol is refused, so that nobody's browser talks to us. */
const ALPN = 'xmpp-client'
/** On the wire (RFC 7301 §3.1). NOTE: what each connection keeps of a list or a Buffer lies in the pool of buffers, and would hold 6 kB of it. */
const ALPN_PROTOCOLS = new DataView(Uint8Array.from([ALPN.length, ...Buffer.from(ALPN)]).buffer)
const BINDINGS_TLS_1_3 = ['tls-exporter', 'tls-server-end-point']
/** RFC 9266 §4.2: in TLS 1.2 the exporter needs the extended master secret, which cannot be seen from here. */
const BINDINGS_TLS_1_2 = ['tls-server-end-point']
/** Above this a connection counts as congested: what is sent next waits in its queue, not in memory. */
const CONGESTED_BYTES = 256 * 1024
/** A peer that leaves so much unread is gone. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024
/** Written in one turn beyond this leaves at once. */
const FLUSH_BYTES = 64 * 1024

/** Receives what happens on a connection. */
export interface ConnectionHandler {
  receive(chunk: Buffer): void
  disconnected(): void
  /** The listener is being closed. */
  shutDown(): void
}

export interface TcpOptions {
  readonly host: string
  readonly port: number
  /** True: TLS from the first byte (XEP-0368). */
  readonly direct: boolean
  readonly tls: TlsSource
  readonly accept: (connection: Connection) => ConnectionHandler
}

/** The TLS context in force; replaced when the certificate is, while open connections keep theirs. */
export class TlsContext implements Disposable {
  context: tls.SecureContext
  /** RFC 5929 §4.1: hash of the server's certificate. */
  endPoint: Buffer
  readonly #subscription: Disposable

  constructor(source: TlsSource) {
    const load = () => {
      const { cert, key } = source.current()
      return {
        context: tls.createSecureContext({ cert, key, ...TLS_POLICY }),
        endPoint: endPointOf(cert),
      }
    }
    const first = load()
    this.context = first.context
    this.endPoint = first.endPoint
    this.#subscription = source.onChange(() => Object.assign(this, load()))
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}

/** ecdsa-with-SHA384, sha384WithRSAEncryption; ecdsa-with-SHA512, sha512WithRSAEncryption */
const SHA384_SIGNATURES = ['1.2.840.10045.4.3.3', '1.2.840.113549.1.1.12']
const SHA512_SIGNATURES = ['1.2.840.10045.4.3.4', '1.2.840.113549.1.1.13']

/** RFC 5929 §4.1: the hash of the certificate's own signature, and SHA-256 where that is weaker. */
function endPointOf(pem: string): Buffer {
  const { raw, signatureAlgorithmOid } = new X509Certificate(pem)
  const strong = SHA384_SIGNATURES.includes(signatureAlgorithmOid) ? 'sha384' : 'sha256'
  return createHash(SHA512_SIGNATURES.includes(signatureAlgorithmOid) ? 'sha512' : strong)
    .update(raw)
    .digest()
}

class TcpConnection implements Connection {
  beforeFlush: (() => void) | undefined
  onDrain: (() => void) | undefined
  readonly remoteAddress: string
  readonly #tls: TlsContext
  #socket: Socket | tls.TLSSocket
  #secured: boolean
  readonly #direct: boolean
  #handler: ConnectionHandler | undefined
  #out = ''
  #scheduled = false
  #congested = false
  #ended = false
  #paused = false
  #reading = true

  constructor(socket: Socket, tlsContext: TlsContext, direct: boolean) {
    this.#tls = tlsContext
    this.#socket = socket
    this.remoteAddress = socket.remoteAddress ?? '' // none: it is gone already
    this.#secured = false
    this.#direct = direct
  }

  open(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#listen(this.#socket)
  }

  get secure(): boolean {
    return this.#secured
  }

  get backlogBytes(): number {
    return this.#socket.writableLength + this.#out.length
  }

  get congested(): boolean {
    return this.#congested
  }

  write(xml: string): void {
    if (this.#ended) return
    this.#out += xml
    if (this.#out.length > FLUSH_BYTES) this.#flush()
    else this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#out === '' || this.#ended) return
    this.beforeFlush?.()
    const out = this.#out
    this.#out = ''
    this.#socket.write(out)
    if (this.#socket.writableLength > BACKLOG_BYTES_MAX) this.#socket.destroy()
    if (this.#congested || this.#socket.writableLength <= CONGESTED_BYTES) return
    this.#congested = true
    this.#regulate()
  }

  start(): void {
    if (this.#direct) this.startTls()
    else this.#socket.resume()
  }

  startTls(): void {
    this.#flush()
    const plain = this.#socket
    plain.removeAllListeners('data')
    const secured = new tls.TLSSocket(plain, {
      isServer: true,
      secureContext: this.#tls.context,
      requestCert: false,
      ...(this.#direct ? { ALPNProtocols: ALPN_PROTOCOLS } : {}),
    })
    const { endPoint } = this.#tls
    this.#endPoint = endPoint
    this.#socket = secured
    secured.once('secure', () => {
      this.#secured = true
      const isNewest = secured.getProtocol() === 'TLSv1.3'
      this.tlsVersion = isNewest ? '0304' : '0303' // the only two of TLS_POLICY
      this.channelBindings = isNewest ? BINDINGS_TLS_1_3 : BINDINGS_TLS_1_2
    })
    secured.on('error', () => secured.destroy())
    if (this.#handler) this.#listen(secured)
  }

  #endPoint: Buffer | undefined

  tlsVersion: string | undefined

  channelBindings: readonly string[] = []

  channelBinding(type: string): Buffer | undefined {
    const socket = this.#socket
    if (!(socket instanceof tls.TLSSocket)) return undefined
    // COMPAT: slixmpp of Debian 12 (Poezio) knows nothing else, and does not fall back (docs/decisions/0044-tls-unique.md).
    if (type === 'tls-unique' && this.channelBindings === BINDINGS_TLS_1_3) return socket.getPeerFinished()
    if (!this.channelBindings.includes(type)) return undefined
    if (type === 'tls-server-end-point') return this.#endPoint
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  #listen(socket: Socket): void {
    socket.on('data', (chunk) => {
      if (socket === this.#socket) this.#handler?.receive(chunk)
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      if (socket !== this.#socket) return
      this.#ended = true
      this.#handler?.disconnected()
    })
    socket.on('end', () => this.end())
    socket.on('drain', () => {
      this.#congested = false
      this.#regulate()
      this.onDrain?.()
    })
  }

  pause(): void {
    this.#paused = true
    this.#regulate()
  }

  resume(): void {
    this.#paused = false
    this.#regulate()
  }

  /** A peer that does not take our answers asks nothing more. */
  #regulate(): void {
    const reading = !this.#paused && !this.#congested
    if (reading === this.#reading) return
    this.#reading = reading
    if (reading) this.#socket.resume()
    else this.#socket.pause()
  }

  end(): void {
    if (this.#ended) return
    const socket = this.#socket
    const unsecured = !this.#secured && (this.#direct || socket instanceof tls.TLSSocket)
    if (!unsecured) this.#flush()
    this.#ended = true
    if (unsecured) return void socket.destroy() // nothing can be said before TLS, and it would wait for its peer
    socket.end()
    // A peer that does not read must not keep the socket.
    const timer = setTimeout(() => socket.destroy(), END_MS)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }
}

/** Time that peers have to take our last words and close. */
const END_MS = 5_000
/** The same, when the listener is closed. */
const CLOSE_MS = 1_000
/** A peer that vanished without a word is noticed by TCP. */
const SOCKET_OPTIONS = {
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 120_000,
  pauseOnConnect: true, // until `start`
}

/** Listens; the returned port is the real one when 0 was asked for. */
export async function listenTcp(options: TcpOptions): Promise<{ port: number } & AsyncDisposable> {
  const context = new TlsContext(options.tls)
  const open = new Map<Socket, ConnectionHandler>()
  const server = createServer(SOCKET_OPTIONS, (socket) => {
    socket.on('error', () => socket.destroy())
    const connection = new TcpConnection(socket, context, options.direct)
    const handler = options.accept(connection)
    open.set(socket, handler)
    socket.once('close', () => open.delete(socket))
    connection.open(handler)
  })
  await listen(server, options.host, options.port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : options.port,
    [Symbol.asyncDispose]: async () => {
      context[Symbol.dispose]()
      const closed = new Promise((resolve) => server.close(resolve))
      for (const handler of open.values()) handler.shutDown()
      const timer = setTimeout(() => {
        for (const socket of open.keys()) socket.destroy()
      }, CLOSE_MS)
      await closed
      clearTimeout(timer)
    },
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
