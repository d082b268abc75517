import { join } from 'node:path'
import { createHttp } from '@sealpost/http'
import { runMain, type Platform } from '@sealpost/service'
import { readConfig, type ApiConfig } from './config.ts'
import { createApiService, type ApiService } from './service.ts'

/** In a process of its own the service also opens the control socket of `ctl`, and shows the first administrator's link itself. */
async function createWithControlSocket(config: ApiConfig, platform: Platform): Promise<ApiService> {
  await using stack = new AsyncDisposableStack()
  const service = stack.use(await createApiService(config, platform))
  const { log, metrics } = platform
  const control = stack.use(await createHttp({ log, metrics, title: 'Sealpost' }))
  await control.app.register(service.http)
  await control.listen({ socketPath: join(platform.dataDir, 'ctl.sock') })
  const { firstInvite } = service
  // The terminal, not the log: the link is a secret.
  if (firstInvite !== undefined) process.stdout.write(`First administrator: ${firstInvite}\n`)
  const held = stack.move()
  return { ...service, firstInvite, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

await runMain(readConfig, createWithControlSocket)
