/** One SMTP port: who may connect, how many at once, and how it stops. What is said on a connection is conversation.ts's business. */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { errorCode } from '@sealpost/errors'
import type { Networks } from '@sealpost/config'
import { Connection, ConnectionError } from './connection.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import { Conversation, type ConversationOptions } from './conversation.ts'

export interface ListenerOptions extends ConversationOptions {
  readonly host: string
  readonly port: number
  readonly limits: ConnectionLimits
  /** Who may relay without signing in. */
  readonly trusted: Networks
  /** Who says by the PROXY protocol for whom it connects, each time. */
  readonly proxies: Networks
}

export interface SmtpListener extends AsyncDisposable {
  readonly port: number
  /** Those who have signed in to this account, now. */
  conversationsOf(accountId: string): readonly Conversation[]
}

/** More get 421; each costs a few kilobytes. */
const CONNECTIONS_MAX = 1_000
/** For the header of the PROXY protocol. */
const PROXY_MS_MAX = 10_000
/** Mails that are coming in get so long when the listener stops. */
const STOP_MS_MAX = 1_500

const BUSY = '421 4.3.2 Too many connections\r\n'
const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 120_000,
} as const

/** Throws what listening throws, such as EADDRINUSE. Disposal closes connections after 1.5 s. */
export async function openListener(options: ListenerOptions): Promise<SmtpListener> {
  const { entrance, events, clock } = options
  const open = new Map<Socket, Conversation | undefined>()
  const running = new Set<Promise<void>>()
  const server = createServer(SOCKET_OPTIONS, (socket) => {
    events.connected(entrance)
    const connection = new Connection(socket, clock)
    open.set(socket, undefined)
    const served = serve(connection, options, (conversation) => {
      if (open.has(socket)) open.set(socket, conversation)
    })
    running.add(served)
    void served.finally(() => running.delete(served))
    socket.once('close', () => open.delete(socket))
  })
  await listen(server, options)
  server.on('error', (error) => events.connectionFailed(entrance, errorCode(error)))
  const { port } = server.address() as AddressInfo
  events.listening(entrance, port)
  return {
    port,
    conversationsOf: (accountId) =>
      [...open.values()]
        .filter((each) => each !== undefined)
        .filter(({ account }) => account?.id === accountId),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const [socket, conversation] of open)
        if (conversation === undefined) socket.destroy()
        else conversation.stop()
      const timer = clock.after(STOP_MS_MAX, () => {
        for (const socket of open.keys()) socket.destroy()
      })
      await Promise.all([closed, ...running])
      timer[Symbol.dispose]()
    },
  }

  /** Never throws. */
  async function serve(
    connection: Connection,
    { proxies, limits, trusted, tls }: ListenerOptions,
    begins: (conversation: Conversation) => void,
  ): Promise<void> {
    try {
      if (open.size > CONNECTIONS_MAX) return refuse(connection)
      if (proxies.include(connection.address))
        await connection.readProxyHeader(clock.monotonic() + PROXY_MS_MAX)
      const isTrusted = trusted.include(connection.address)
      using place = isTrusted ? limits.unlimited() : limits.enter(connection.address)
      if (place === undefined) return refuse(connection)
      if (entrance === 'submissions') await connection.startTls(tls.current)
      const conversation = new Conversation(connection, isTrusted, options)
      begins(conversation)
      await conversation.run()
    } catch (error) {
      connection.destroy()
      if (!(error instanceof ConnectionError)) throw error
      events.connectionFailed(entrance, error.code)
    }
  }

  function refuse(connection: Connection): void {
    events.connectionFailed(entrance, 'SMTP_TOO_MANY')
    if (entrance === 'submissions') return connection.destroy() // nothing can be said before TLS
    connection.write(BUSY)
    connection.end()
  }
}

function listen(server: Server, { port, host }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 1_024 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
