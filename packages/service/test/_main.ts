/** A service in a process of its own, for run-main.test.ts. */
import type { EnvReader } from '@sealpost/config'
import { runMain } from '../src/index.ts'
import type { Platform, RunningService } from '../src/index.ts'

declare module '@sealpost/bus' {
  interface Topics {
    'test/asked': { readonly id: string }
    'test/answered': { readonly id: string; readonly by: string }
  }
}

const readConfig = (env: EnvReader) => ({ name: env.str('TEST_NAME') })

async function create({ name }: { name: string }, { bus, log }: Platform): Promise<RunningService> {
  const answering = bus.subscribe('test/asked', async ({ id }) =>
    bus.publish('test/answered', { id, by: name }),
  )
  log.info('answering')
  return Promise.resolve({
    http: async (app) => {
      app.get('/v1/name', () => ({ name }))
      await Promise.resolve()
    },
    ready: () => Promise.resolve(true),
    addresses: [],
    [Symbol.asyncDispose]: async () => {
      answering[Symbol.dispose]()
      await Promise.resolve()
    },
  })
}

await runMain(readConfig, create)
