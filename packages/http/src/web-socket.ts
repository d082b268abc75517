/** RFC 6455: WebSockets on a route of the app. Whether a request comes from a proxy or a stranger is judged before, as of every request. */
import websocket, { type WebSocket } from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpProblem } from './http-problem.ts'

export type { WebSocket } from '@fastify/websocket'

export interface WebSocketRoute {
  readonly path: string
  /** RFC 6455 §1.9: clients that do not ask for it are refused. */
  readonly subprotocol: string
  /** Of one message; more ends the connection with 1009. */
  readonly messageBytesMax: number
  /** A connection was made. It is closed when the app is. */
  readonly open: (socket: WebSocket, request: FastifyRequest) => void
}

/** Once for an app or a plugin of it. */
export async function webSocketRoute(app: FastifyInstance, route: WebSocketRoute): Promise<void> {
  const { path, subprotocol, messageBytesMax, open } = route
  await app.register(websocket, {
    options: { maxPayload: messageBytesMax, perMessageDeflate: false, handleProtocols: () => subprotocol },
  })
  app.get(path, { websocket: true, preValidation: (request) => mustAskFor(subprotocol, request) }, open)
}

async function mustAskFor(subprotocol: string, { headers }: FastifyRequest): Promise<void> {
  const asked = headers['sec-websocket-protocol']?.split(',').map((each) => each.trim()) ?? []
  if (!asked.includes(subprotocol))
    throw new HttpProblem(400, 'subprotocol-missing', `The subprotocol ${subprotocol} must be asked for`)
  await Promise.resolve()
}
