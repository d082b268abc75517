/** One listening socket in front of an app: timeouts, bounds, certificate changes, and a stop that waits for nobody long. */
import { chmod, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as TlsServer } from 'node:https'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { OperationalError } from '@sealpost/errors'
import type { FastifyRequest } from 'fastify'
import { TLS_POLICY } from './tls-policy.ts'

/** Where certificate and key (PEM) come from; the platform's TlsSource is one. */
export interface ListenTls {
  current(): { readonly cert: string; readonly key: string }
  onChange(listener: () => void): Disposable
}

/**
 * `port` 0 takes a free one. A socket path is made with mode 0600; a socket that a killed process left there is replaced, one that
 * somebody listens on is not (`SOCKET_TAKEN`).
 */
export type ListenTarget =
  | { readonly host: string; readonly port: number; readonly tls?: ListenTls }
  | { readonly socketPath: string }

/** Requests for another protocol on the same connection (RFC 9110 §7.8). */
export interface Upgrades {
  /** False: answered as if it did not ask for that. */
  readonly isWanted: (request: IncomingMessage) => boolean
  readonly take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
}

export interface Listener extends AsyncDisposable {
  /** 0 for a socket path. */
  readonly port: number
}

const LIMITS = {
  /** Whole request with its body, where a route takes slow ones; see create-http. */
  requestTimeout: 3_600_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16_384,
} as const

const CONNECTIONS_MAX = 8_192
const HANDSHAKE_TIMEOUT_MS = 10_000
/** How long a stop waits for requests under way. */
const DRAIN_MS = 1_500

/** Sockets that came over a socket path; module state, but keyed by identity and weak. */
const localSockets = new WeakSet<Socket>()

/** Whether the request came over the control socket, which only the owner of the data directory can open. */
export function isLocalSocket(request: FastifyRequest): boolean {
  return localSockets.has(request.raw.socket)
}

/** Listens and answers with `handler`. */
export async function openListener(
  target: ListenTarget,
  handler: RequestListener,
  upgrades: Upgrades,
): Promise<Listener> {
  await using stack = new AsyncDisposableStack()
  const options = { ...LIMITS, shouldUpgradeCallback: upgrades.isWanted }
  const server = stack.adopt(makeServer(target, options, handler), (made) => void made.close())
  server.on('upgrade', upgrades.take)
  const sockets = new Set<Socket>()
  server.maxConnections = CONNECTIONS_MAX
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if ('socketPath' in target) localSockets.add(socket)
  })
  server.on('clientError', answerClientError)
  if ('tls' in target && target.tls !== undefined) {
    const { tls } = target
    stack.use(tls.onChange(() => (server as TlsServer).setSecureContext({ ...TLS_POLICY, ...tls.current() })))
  }
  await bind(server, target)
  const address = server.address()
  const held = stack.move()
  return {
    port: isTcp(address) ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      await stop(server, sockets)
      await held.disposeAsync()
    },
  }
}

function makeServer(
  target: ListenTarget,
  options: ServerOptions,
  handler: RequestListener,
): Server | TlsServer {
  if (!('tls' in target) || target.tls === undefined) return createServer(options, handler)
  const tls = { ...TLS_POLICY, handshakeTimeout: HANDSHAKE_TIMEOUT_MS }
  return createTlsServer({ ...options, ...tls, ...target.tls.current() }, handler)
}

async function bind(server: Server, target: ListenTarget): Promise<void> {
  if ('socketPath' in target) await removeStale(target.socketPath)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  // Made under this mask, the socket is never open to others, not even before the chmod.
  const umask = 'socketPath' in target ? process.umask(0o177) : undefined
  if ('socketPath' in target) server.listen(target.socketPath, resolve)
  else server.listen(target.port, target.host, resolve)
  if (umask !== undefined) process.umask(umask)
  await promise
  server.off('error', reject)
  // A failed accept (no descriptors left) must not end the process.
  server.on('error', () => undefined)
  if ('socketPath' in target) await chmod(target.socketPath, 0o600)
}

async function removeStale(socketPath: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const probe = connect(socketPath, () => resolve(true)).once('error', () => resolve(false))
  const isTaken = await promise
  probe.destroy()
  if (isTaken)
    throw new OperationalError(
      'SOCKET_TAKEN',
      `Another process listens on ${socketPath}: stop that one first`,
    )
  await rm(socketPath, { force: true })
}

function isTcp(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

/** Requests under way may finish for DRAIN_MS; then every connection is closed. */
async function stop(server: Server, sockets: Set<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
  server.closeIdleConnections()
  const late = setTimeout(() => {
    for (const socket of sockets) socket.destroy()
  }, DRAIN_MS)
  await closed
  clearTimeout(late)
}

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** What could not be read as HTTP gets a short answer and leaves no trace. */
function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
}
