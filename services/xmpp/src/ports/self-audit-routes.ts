/** The port to the self-audit of messages, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices } from '@sealpost/http'
import { type PortSecret, SELF_AUDIT_PATHS, type SelfAudits } from '@sealpost/ports'

/** Asked by few and for many: the common limit for clients does not apply. Not in the OpenAPI document: not for clients. */
const route = { config: { rateLimit: false }, schema: { hide: true } } as const

export function selfAuditRoutes(audits: SelfAudits, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get(SELF_AUDIT_PATHS.messages, route, () => audits.state())
    app.post(SELF_AUDIT_PATHS.messages, route, async () => ({ begun: await audits.begin() }))
    await Promise.resolve()
  }
}
