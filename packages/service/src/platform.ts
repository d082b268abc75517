import { createNatsBus, createPostgresBus, createProcessBus } from '@sealpost/bus'
import type { Bus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { ConfigError, errorCode } from '@sealpost/errors'
import { createLog } from '@sealpost/log'
import type { Log } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import type { Metrics } from '@sealpost/metrics'
import { createClock, systemRandom } from '@sealpost/runtime'
import type { Clock, Random } from '@sealpost/runtime'
import type { PlatformConfig } from './config.ts'
import { measureProcess } from './measure-process.ts'
import { watchTls } from './watch-tls.ts'
import type { TlsSource } from './watch-tls.ts'

/** Everything a service takes from outside; built once for a process. */
export interface Platform {
  readonly log: Log
  readonly metrics: Metrics
  readonly bus: Bus
  /** What a periodic task throws is logged by code; the task keeps its turns. */
  readonly clock: Clock
  readonly random: Random
  readonly tls: TlsSource
  /** Holds the password of the database: never to be logged. */
  readonly databaseUrl: string
  readonly dataDir: string
  readonly domains: readonly string[]
  readonly bind: string
}

/** Connections of the bus itself besides its LISTEN one. */
const BUS_POOL_SIZE = 2

/** Builds the platform of a process. The database must be reachable if the bus goes over it, and the TLS pair must be there. */
export async function createPlatform(config: PlatformConfig): Promise<Platform & AsyncDisposable> {
  const databaseUrl = config.databaseUrl?.reveal()
  if (databaseUrl === undefined) throw new ConfigError(['DATABASE_URL must be set'])
  await using stack = new AsyncDisposableStack()
  const metrics = createMetrics()
  const lines = metrics.counter('log_lines_total', 'Lines of the log that somebody may have to look at', [
    'level',
  ])
  for (const level of ['warn', 'error']) lines.inc({ level }, 0)
  const log = createLog({ level: config.logLevel, onLine: (level) => lines.inc({ level }) })
  const report =
    (event: string) =>
    (error: unknown): void =>
      log.error(event, { code: errorCode(error) })
  const clock = createClock({ onError: report('periodic_task_failed') })
  const tls = stack.use(watchTls(config.tlsCert, config.tlsKey, { log, clock }))
  stack.use(measureProcess({ metrics, clock, tls, dataDir: config.dataDir }))
  const bus = await openBus(config, databaseUrl, { stack, report })
  const held = stack.move()
  return {
    log,
    metrics,
    bus,
    clock,
    random: systemRandom,
    tls,
    databaseUrl,
    dataDir: config.dataDir,
    domains: config.domains,
    bind: config.bind,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Closed with the stack. */
async function openBus(
  { eventBus, natsToken }: PlatformConfig,
  databaseUrl: string,
  { stack, report }: { stack: AsyncDisposableStack; report: (event: string) => (error: unknown) => void },
): Promise<Bus> {
  const onError = report('bus_handler_failed')
  const onConnectionError = report('bus_connection_failed')
  if (eventBus === 'process') return stack.use(createProcessBus({ onError }))
  if (eventBus !== 'postgres')
    return stack.use(
      await createNatsBus({ url: eventBus, token: natsToken?.reveal(), onError, onConnectionError }),
    )
  const db = stack.use(
    await openDb({ url: databaseUrl, poolSize: BUS_POOL_SIZE, onError: onConnectionError }),
  )
  return stack.use(await createPostgresBus(db, { onError }))
}
