/** The port for sessions of accounts, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type, type Static } from '@sealpost/http'
import { OWN_SESSIONS_PATH, type OwnSessions, type PortSecret } from '@sealpost/ports'

const HEADER_CHARS_MAX = 1_024

const text = Type.String({ maxLength: HEADER_CHARS_MAX })
const shownSchema = Type.Object({
  token: text,
  changes: Type.Boolean(),
  host: text,
  origin: Type.Optional(text),
  csrf: Type.Optional(text),
})

/** Asked by few and for many: the common limit for clients does not apply. Not in the OpenAPI document: not for clients. */
const options = { config: { rateLimit: false }, schema: { hide: true, body: shownSchema } } as const

export function ownSessionsRoutes(sessions: OwnSessions, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Body: Static<typeof shownSchema> }>(OWN_SESSIONS_PATH, options, ({ body }) => {
      const { origin, csrf, ...rest } = body
      return sessions.judge({ ...rest, origin, csrf })
    })
    await Promise.resolve()
  }
}
