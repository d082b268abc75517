/** The port to what is held here of an account, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { type MailOwnData, OWN_DATA_PATHS, type OwnData, type PortSecret } from '@sealpost/ports'

const params = Type.Object({ account: Type.String({ format: 'uuid' }) })

export function ownDataRoutes(ownData: OwnData<MailOwnData>, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Params: { account: string } }>(
      OWN_DATA_PATHS.mail,
      { config: { rateLimit: false }, schema: { hide: true, params } },
      ({ params: { account } }) => ownData.ownData(account),
    )
    await Promise.resolve()
  }
}
