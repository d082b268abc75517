/** XMPP over WebSocket (RFC 7395). TLS is that of the HTTP listener or of the proxy before it, so that there is no channel to bind to. */
import { type FastifyInstance, type WebSocket, webSocketRoute } from '@sealpost/http'
import { StreamError } from '@sealpost/stanza'
import type { Connection } from './connection.ts'
import { Framer, unframe } from './framing.ts'
import type { ConnectionHandler } from './tcp.ts'

export const WEB_SOCKET_PATH = '/xmpp-websocket'
/** RFC 7395 §3.1 */
const SUBPROTOCOL = 'xmpp'
/** Streams bound elements by themselves, and say so; this is above their bounds. */
const MESSAGE_BYTES_MAX = 512 * 1024
/** Above this a connection counts as congested: what is sent next waits in its queue, not in memory. */
const CONGESTED_BYTES = 256 * 1024
/** A peer that leaves so much unread is gone. */
const BACKLOG_BYTES_MAX = 32 * 1024 * 1024
/** Time that peers have to take our last words and close. */
const END_MS = 5_000
/** RFC 6455 §7.4.1 */
const CODE = { normal: 1000, unacceptable: 1003 } as const

class WebSocketConnection implements Connection {
  readonly secure = true
  readonly tlsVersion: undefined
  readonly channelBindings: readonly string[] = []
  readonly remoteAddress: string
  beforeFlush: (() => void) | undefined
  onDrain: (() => void) | undefined
  readonly #socket: WebSocket
  readonly #framer: Framer
  #out: string[] = []
  #outLength = 0
  #scheduled = false
  #congested = false
  #paused = true
  #ended = false

  constructor(socket: WebSocket, remoteAddress: string) {
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.#framer = new Framer((message) => this.#socket.send(message, () => this.#sent()))
    socket.pause()
  }

  open(handler: ConnectionHandler): void {
    const socket = this.#socket
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#refuse() // RFC 7395 §3.2
      else this.#receive(handler, data)
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      this.#ended = true
      handler.disconnected()
    })
  }

  get backlogBytes(): number {
    return this.#socket.bufferedAmount + this.#outLength
  }

  get congested(): boolean {
    return this.#congested
  }

  channelBinding(): undefined {
    return undefined
  }

  start(): void {
    this.resume()
  }

  /** Never offered: the connection is secure. */
  startTls(): void {
    throw new StreamError('internal-server-error')
  }

  write(xml: string): void {
    if (this.#ended) return
    this.#out.push(xml)
    this.#outLength += xml.length
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
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

  end(): void {
    if (this.#ended) return
    this.#flush()
    this.#ended = true
    const socket = this.#socket
    socket.resume() // its answer to the closing
    socket.close(CODE.normal)
    const timer = setTimeout(() => socket.terminate(), END_MS)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  #receive(handler: ConnectionHandler, data: Buffer): void {
    try {
      handler.receive(Buffer.from(unframe(data.toString())))
    } catch (error) {
      if (!(error instanceof StreamError)) throw error
      this.#refuse()
    }
  }

  #refuse(): void {
    this.#ended = true
    this.#socket.close(CODE.unacceptable)
  }

  #flush(): void {
    if (this.#out.length === 0 || this.#ended) return
    this.beforeFlush?.()
    const out = this.#out
    this.#out = []
    this.#outLength = 0
    for (const xml of out) this.#framer.write(xml)
    const { bufferedAmount } = this.#socket
    if (bufferedAmount > BACKLOG_BYTES_MAX) this.#socket.terminate()
    if (this.#congested || bufferedAmount <= CONGESTED_BYTES) return
    this.#congested = true
    this.#regulate()
  }

  #sent(): void {
    if (!this.#congested || this.#socket.bufferedAmount > 0) return
    this.#congested = false
    this.#regulate()
    this.onDrain?.()
  }

  /** A peer that does not take our answers asks nothing more. */
  #regulate(): void {
    if (this.#ended) return
    if (this.#paused || this.#congested) this.#socket.pause()
    else this.#socket.resume()
  }
}

/** Takes connections on the app's listeners until it is closed. */
export async function acceptWebSockets(
  app: FastifyInstance,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<void> {
  const open = new Set<ConnectionHandler>()
  app.addHook('preClose', async () => {
    for (const handler of open) handler.shutDown()
    await Promise.resolve()
  })
  await webSocketRoute(app, {
    path: WEB_SOCKET_PATH,
    subprotocol: SUBPROTOCOL,
    messageBytesMax: MESSAGE_BYTES_MAX,
    open: (socket, request) => {
      const connection = new WebSocketConnection(socket, request.ip)
      const handler = accept(connection)
      open.add(handler)
      socket.once('close', () => open.delete(handler))
      connection.open(handler)
    },
  })
}
