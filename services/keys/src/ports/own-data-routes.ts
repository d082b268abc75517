/** The port to what is held here of an account, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { type KeysOwnData, OWN_DATA_PATHS, type OwnData, type PortSecret } from '@sealpost/ports'

const params = Type.Object({ account: Type.String({ format: 'uuid' }) })

export function ownDataRoutes(ownData: OwnData<KeysOwnData>, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<{ Params: { account: string } }>(
      OWN_DATA_PATHS.keys,
      { config: { rateLimit: false }, schema: { hide: true, params } },
      async ({ params: { account } }) => {
        const { certificates, pending } = await ownData.ownData(account)
        const inBase64 = certificates.map((each) => ({
          ...each,
          certificate: each.certificate.toString('base64'),
        }))
        return { certificates: inBase64, pending }
      },
    )
    await Promise.resolve()
  }
}
