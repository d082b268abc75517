/** The OpenPGP key directory: HKP on its port and on the common HTTP server, WKD on the latter. */
import { createHttp } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import type { Platform, RunningService } from '@sealpost/service'
import type { KeysConfig } from './config.ts'
import { createEvents } from './events.ts'
import { hkp } from './routes/hkp.ts'
import { wkd } from './routes/wkd.ts'

export type KeysService = RunningService

/** Lookups of one client in a minute. */
const REQUESTS_PER_MINUTE = 300

export async function createKeysService(config: KeysConfig, platform: Platform): Promise<KeysService> {
  await using stack = new AsyncDisposableStack()
  const { log, metrics, bind, domains } = platform
  const events = createEvents({ log, metrics })
  const limits = { requestsPerMinute: REQUESTS_PER_MINUTE }
  const server = stack.use(await createHttp({ log, metrics, title: 'Sealpost HKP', ...limits }))
  await server.app.register(hkp, { events })
  const { port } = await server.listen({ host: bind, port: config.hkpPort })
  events.listening(port)
  const held = stack.move()
  return {
    http: routes(hkp, { events }),
    ready: () => Promise.resolve(true),
    addresses: [{ name: 'Key directory (HKP)', url: `hkp://${domains[0] ?? 'localhost'}:${String(port)}` }],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function routes(
  plugin: typeof hkp,
  options: { events: ReturnType<typeof createEvents> },
): FastifyPluginAsync {
  return async (app) => {
    await app.register(plugin, options)
    await app.register(wkd)
  }
}
