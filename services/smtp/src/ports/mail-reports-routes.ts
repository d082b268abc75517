/** The port to reports on our domains, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { MAIL_REPORTS_PATH, type MailReports, type PortSecret, REPORTED_DAYS_MAX } from '@sealpost/ports'

const querystring = Type.Object({
  days: Type.Integer({ minimum: 0, maximum: REPORTED_DAYS_MAX }),
  domain: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
})

export function mailReportsRoutes(reports: MailReports, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Querystring: { days: number; domain?: string } }>(
      MAIL_REPORTS_PATH,
      // Asked by few and for many: the common limit for clients does not apply. Not in the OpenAPI document: not for clients.
      { config: { rateLimit: false }, schema: { hide: true, querystring } },
      async ({ query: { days, domain } }) => ({ items: await reports.reported(days, domain) }),
    )
    await Promise.resolve()
  }
}
