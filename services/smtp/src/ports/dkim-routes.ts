/** The port to the keys that sign our mail, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { DKIM_PATH, type DkimOperations, type PortSecret } from '@sealpost/ports'

const params = Type.Object({ domain: Type.String({ minLength: 1, maxLength: 253 }) })

/** Asked by few and for many: the common limit for clients does not apply. Not in the OpenAPI document: not for clients. */
const route = { config: { rateLimit: false }, schema: { hide: true, params } } as const

export function dkimRoutes(dkim: DkimOperations, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Params: { domain: string } }>(DKIM_PATH, route, async ({ params: { domain } }) => ({
      items: await dkim.list(domain),
    }))
    app.post<{ Params: { domain: string } }>(DKIM_PATH, route, async ({ params: { domain } }) => ({
      items: await dkim.rotate(domain),
    }))
    await Promise.resolve()
  }
}
