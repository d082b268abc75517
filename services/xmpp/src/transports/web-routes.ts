/** XEP-0156 §3, RFC 6415: where clients find the WebSocket; with it, and with uploaded files, all that the relay has on the HTTP listeners. */
import type { FastifyInstance } from '@sealpost/http'
import type { Connection } from './connection.ts'
import type { Uploads } from '../modules/upload/uploads.ts'
import type { ConnectionHandler } from './tcp.ts'
import { uploadRoutes } from './upload-routes.ts'
import { acceptWebSockets, WEB_SOCKET_PATH } from './web-socket.ts'

export interface WebRoutesOptions {
  readonly accept: (connection: Connection) => ConnectionHandler
  /** `https://HOST:PORT`; a port of 0 is known only after listening. */
  readonly publicOrigin: () => string
  readonly uploads: Uploads
}

const RELATION = 'urn:xmpp:alt-connections:websocket' // XEP-0156 §3
const hidden = { schema: { hide: true } } as const

export async function webRoutes(
  app: FastifyInstance,
  { accept, publicOrigin, uploads }: WebRoutesOptions,
): Promise<void> {
  const href = () => `${publicOrigin().replace(/^http/, 'ws')}${WEB_SOCKET_PATH}`
  // XEP-0156 §6: for clients that are pages of other hosts.
  const headers = { 'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin' }
  app.get('/.well-known/host-meta', hidden, (_request, reply) =>
    reply
      .headers(headers)
      .type('application/xrd+xml')
      .send(
        `<?xml version='1.0' encoding='utf-8'?>\n<XRD xmlns='http://docs.oasis-open.org/ns/xri/xrd-1.0'>` +
          `<Link rel='${RELATION}' href='${href()}'/></XRD>\n`,
      ),
  )
  app.get('/.well-known/host-meta.json', hidden, (_request, reply) =>
    reply
      .headers(headers)
      .type('application/json')
      .send({ links: [{ rel: RELATION, href: href() }] }),
  )
  await uploadRoutes(app, uploads)
  await acceptWebSockets(app, accept)
}
