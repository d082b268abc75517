/** The relay's port for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { boundJson, type FastifyInstance, type FastifyPluginAsync, onlyServices, Type } from '@sealpost/http'
import {
  ANNOUNCED_MAX,
  type Announcement,
  DEVICE_LABEL_CHARS_MAX,
  DEVICE_TYPE_CHARS_MAX,
  HARDWARE_ID_CHARS_MAX,
  type NewRelayDevice,
  type PortSecret,
  type Relay,
  RELAY_PATHS,
} from '@sealpost/ports'

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
      label: Type.Optional(Type.String()),
      typed: Type.Boolean(),
      bound: Type.Boolean(),
    }),
  ),
})

const label = Type.String({ minLength: 1, maxLength: DEVICE_LABEL_CHARS_MAX })
const deviceType = Type.String({ minLength: 1, maxLength: DEVICE_TYPE_CHARS_MAX })
const newDevice = Type.Object({
  installation: uuid,
  type: Type.Optional(deviceType),
  hardwareId: Type.Optional(Type.String({ minLength: 1, maxLength: HARDWARE_ID_CHARS_MAX })),
  label: Type.Optional(label),
})
const done = Type.Object({ done: Type.Boolean() })

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
    boundJson(app, { depthMax: 2, valuesMax: ANNOUNCED_MAX + 100 })
    registerDevices(app, relay)
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
  }
}

function registerDevices(app: FastifyInstance, relay: Relay): void {
  app.get<AccountRoute>(
    RELAY_PATHS.devices,
    { config, schema: { hide, params: account, response: { 200: devices } } },
    async ({ params }) => ({ items: await relay.devices(params.account) }),
  )
  app.post<AccountRoute & { Body: NewRelayDevice }>(
    RELAY_PATHS.devices,
    {
      config,
      schema: {
        hide,
        params: account,
        body: newDevice,
        response: { 200: Type.Object({ id: Type.Optional(uuid) }) },
      },
    },
    async ({ params, body }) => ({ id: await relay.bindDevice(params.account, body) }),
  )
  app.post<DeviceRoute & { Body: { label?: string } }>(
    RELAY_PATHS.label,
    {
      config,
      schema: {
        hide,
        params: device,
        body: Type.Object({ label: Type.Optional(label) }),
        response: { 200: done },
      },
    },
    async ({ params, body }) => ({
      done: await relay.renameDevice(params.account, params.device, body.label),
    }),
  )
  app.post<DeviceRoute>(
    RELAY_PATHS.signOut,
    { config, schema: { hide, params: device, response: { 200: done } } },
    async ({ params }) => ({ done: await relay.signOutDevice(params.account, params.device) }),
  )
  app.post<AccountRoute & { Body: { type: string } }>(
    RELAY_PATHS.deviceType,
    {
      config,
      schema: {
        hide,
        params: account,
        body: Type.Object({ type: deviceType }),
        response: { 200: Type.Object({ known: Type.Boolean() }) },
      },
    },
    async ({ params, body }) => ({ known: await relay.hasDeviceType(params.account, body.type) }),
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
