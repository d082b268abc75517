/** The port to the desk, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { MAIL_DESK_PATHS, type MailDesk, type PortSecret } from '@sealpost/ports'

const uuid = Type.String({ format: 'uuid' })
const params = Type.Object({ id: uuid })
const after = Type.Object({ after: Type.Optional(uuid) })
const blocked = Type.Object({ domain: Type.String({ minLength: 1, maxLength: 253 }) })
const from = Type.Object({ from: Type.Integer({ minimum: 0 }) })

/** Asked by few and for many: the common limit for clients does not apply. */
const config = { rateLimit: false } as const
/** Not in the OpenAPI document: not for clients. */
const hide = true

export function mailDeskRoutes(desk: MailDesk, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Querystring: { after?: string } }>(
      MAIL_DESK_PATHS.list,
      { config, schema: { hide, querystring: after } },
      async ({ query }) => ({ items: await desk.list(query.after) }),
    )
    app.get<{ Params: { id: string }; Querystring: { from: number } }>(
      MAIL_DESK_PATHS.mail,
      { config, schema: { hide, params, querystring: from } },
      async ({ params: { id }, query }) => {
        const found = await desk.read(id, query.from)
        return { items: found === undefined ? [] : [found] }
      },
    )
    app.delete<{ Params: { id: string } }>(
      MAIL_DESK_PATHS.mail,
      { config, schema: { hide, params } },
      async ({ params: { id } }) => ({ done: await desk.done(id) }),
    )
    app.post<{ Body: { domain: string } }>(
      MAIL_DESK_PATHS.blocks,
      { config, schema: { hide, body: blocked } },
      async ({ body }) => {
        await desk.block(body.domain)
        return { done: true }
      },
    )
    await Promise.resolve()
  }
}
