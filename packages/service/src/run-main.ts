import type { EnvReader } from '@sealpost/config'
import { createHttp, healthRoutes } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import { runService } from '@sealpost/runtime'
import { fromProcessEnv, readMainConfig } from './config.ts'
import type { PlatformConfig } from './config.ts'
import { explainStart } from './explain-start.ts'
import { createPlatform } from './platform.ts'
import type { Platform } from './platform.ts'

/** What a service gives to whoever runs it. */
export interface RunningService extends AsyncDisposable {
  /** All its HTTP routes as one plugin. */
  readonly http: FastifyPluginAsync
  /** Whether it can serve now. */
  ready(): Promise<boolean>
  /** For the table of addresses. */
  readonly addresses: readonly { readonly name: string; readonly url: string }[]
}

/**
 * The main function of a service in a process of its own: reads all configuration, builds the platform and the service, mounts its routes
 * and the signs of health at SEALPOST_BIND:HTTP_PORT, and runs until a signal (see runService).
 */
export function runMain<C>(
  readConfig: (env: EnvReader) => C,
  create: (config: C, platform: Platform) => Promise<RunningService>,
): Promise<void> {
  const read = (env: EnvReader) => readMainConfig(env, readConfig)
  return runService(
    () => fromProcessEnv(read),
    (config) => explainStart(read, () => start(config, create)),
  )
}

async function start<C>(
  config: { platform: PlatformConfig; httpPort: number; service: C },
  create: (config: C, platform: Platform) => Promise<RunningService>,
): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack()
  const platform = stack.use(await createPlatform(config.platform))
  const service = stack.use(await create(config.service, platform))
  const { log, metrics } = platform
  const http = stack.use(await createHttp({ log, metrics, title: 'Sealpost', trustProxy: true }))
  await http.app.register(healthRoutes, { ready: () => service.ready(), metrics })
  await http.app.register(service.http)
  const { port } = await http.listen({ host: platform.bind, port: config.httpPort })
  log.info('started', { port })
  return stack.move()
}
