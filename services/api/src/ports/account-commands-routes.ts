/** The port for commands of users, for other processes: HTTP for whoever shows the deployment's secret, and for nobody else. */
import { type FastifyPluginAsync, onlyServices, Type, type Static } from '@sealpost/http'
import { ACCOUNT_COMMANDS_PATHS, type AccountCommands, type PortSecret } from '@sealpost/ports'

const accountId = Type.String({ format: 'uuid' })
const name = Type.String({ maxLength: 64 })
const ofAccount = Type.Object({ accountId })
const ofCommand = Type.Object({ accountId, name })
const filledIn = Type.Object({
  accountId,
  name,
  values: Type.Record(Type.String({ maxLength: 64 }), Type.Array(Type.String(), { maxItems: 1_000 })),
})

const keyed = Type.Object({
  key: Type.String({ maxLength: 256 }),
  name,
  params: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.String())),
  body: Type.Optional(Type.Record(Type.String({ maxLength: 64 }), Type.Unknown())),
})

/** Asked by few and for many: the common limit for clients does not apply. */
const config = { rateLimit: false } as const
/** Not in the OpenAPI document: not for clients. */
const hide = true

export function accountCommandsRoutes(commands: AccountCommands, secret: PortSecret): FastifyPluginAsync {
  return async (app) => {
    app.addHook('onRequest', onlyServices(secret))
    app.post<{ Body: Static<typeof ofAccount> }>(
      ACCOUNT_COMMANDS_PATHS.offered,
      { config, schema: { hide, body: ofAccount } },
      async ({ body }) => ({ items: await commands.offered(body.accountId) }),
    )
    app.post<{ Body: Static<typeof ofCommand> }>(
      ACCOUNT_COMMANDS_PATHS.form,
      { config, schema: { hide, body: ofCommand } },
      async ({ body }) => items(await commands.form(body.accountId, body.name)),
    )
    app.post<{ Body: Static<typeof filledIn> }>(
      ACCOUNT_COMMANDS_PATHS.run,
      { config, schema: { hide, body: filledIn } },
      async ({ body }) => items(await commands.run(body.accountId, body.name, body.values)),
    )
    app.post<{ Body: Static<typeof keyed> }>(
      ACCOUNT_COMMANDS_PATHS.administer,
      { config, schema: { hide, body: keyed } },
      ({ body }) => commands.administer(body),
    )
    await Promise.resolve()
  }
}

function items(found: object | undefined): { items: object[] } {
  return { items: found === undefined ? [] : [found] }
}
