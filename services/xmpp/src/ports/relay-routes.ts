/** The relay's port for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import { ANNOUNCED_MAX, type Announcement, type PortSecret, type Relay, RELAY_PATHS } from '@sealpost/ports'

const uuid = Type.String({ format: 'uuid' })
const account = Type.Object({ account: uuid })
const device = Type.Object({ account: uuid, device: uuid })
const day = Type.String({ format: 'date' })

const devices = Type.Object({
  items: Type.Array(
    Type.Object({
      id: uuid,
      createdOn: day,
      lastSeenOn: day,
      registered: Type.Boolean(),
      waiting: Type.Integer(),
      overrun: Type.Boolean(),
    }),
  ),
})

const queues = Type.Object({
  items: Type.Array(
    Type.Object({
      deviceId: Type.Optional(uuid),
      messages: Type.Integer(),
      bytes: Type.Integer(),
      oldestAgeSeconds: Type.Optional(Type.Integer()),
    }),
  ),
})

const announcement = Type.Object({
  id: uuid,
  subject: Type.String({ maxLength: 200 }),
  body: Type.String({ maxLength: 10_000 }),
  accountIds: Type.Optional(Type.Array(uuid, { maxItems: ANNOUNCED_MAX })),
})
/** Ids of 36 characters, in quotation marks. */
const ANNOUNCEMENT_BYTES_MAX = 40 * ANNOUNCED_MAX + 100_000

interface AccountRoute {
  Params: { account: string }
}

interface DeviceRoute {
  Params: { account: string; device: string }
}

/** Asked by few and for many: the common limit for clients does not apply. */
const config = { rateLimit: false } as const

/** Not in the OpenAPI document: not for clients. */
const hide = true

export function relayRoutes(relay: Relay, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.get<AccountRoute>(
      RELAY_PATHS.devices,
      { config, schema: { hide, params: account, response: { 200: devices } } },
      async ({ params }) => ({ items: await relay.devices(params.account) }),
    )
    app.get<AccountRoute>(
      RELAY_PATHS.queues,
      { config, schema: { hide, params: account, response: { 200: queues } } },
      async ({ params }) => ({ items: await relay.queues(params.account) }),
    )
    app.post<{ Body: Announcement }>(
      RELAY_PATHS.announce,
      { config, bodyLimit: ANNOUNCEMENT_BYTES_MAX, schema: { hide, body: announcement } },
      async ({ body }) => ({ reached: await relay.announce(body) }),
    )
    app.delete<DeviceRoute>(
      RELAY_PATHS.device,
      {
        config,
        schema: { hide, params: device, response: { 200: Type.Object({ revoked: Type.Boolean() }) } },
      },
      async ({ params }) => ({ revoked: await relay.revokeDevice(params.account, params.device) }),
    )
  }
}
