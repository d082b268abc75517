/** The port to mail that waits, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import {
  MAIL_CHANGES,
  MAIL_QUEUE_PATHS,
  type MailChange,
  type MailOperations,
  type PortSecret,
  QUEUED_MAX,
} from '@sealpost/ports'

const uuid = Type.String({ format: 'uuid' })
const named = Type.Object({ id: uuid })
const changed = Type.Object({
  id: uuid,
  change: Type.Union(MAIL_CHANGES.map((change) => Type.Literal(change))),
})
const query = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: QUEUED_MAX }),
  account: Type.Optional(uuid),
})

/** Asked by few and for many: the common limit for clients does not apply. */
const config = { rateLimit: false } as const
/** Not in the OpenAPI document: not for clients. */
const hide = true

export function mailQueueRoutes(operations: MailOperations, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Querystring: { limit: number; account?: string } }>(
      MAIL_QUEUE_PATHS.queue,
      { config, schema: { hide, querystring: query } },
      async ({ query: { limit, account } }) => ({ items: await operations.queued(limit, account) }),
    )
    app.get<{ Params: { id: string } }>(
      MAIL_QUEUE_PATHS.mail,
      { config, schema: { hide, params: named } },
      async ({ params }) => {
        const mail = await operations.find(params.id)
        return { items: mail === undefined ? [] : [mail] }
      },
    )
    app.post<{ Params: { id: string; change: MailChange } }>(
      MAIL_QUEUE_PATHS.change,
      { config, schema: { hide, params: changed } },
      async ({ params }) => ({ changed: await operations.change(params.id, params.change) }),
    )
    await Promise.resolve()
  }
}
