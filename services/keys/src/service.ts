/** The OpenPGP key directory: HKP on its port and on the common HTTP server, WKD and the transparency log on the latter. */
import { openDb, sql } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import type { FastifyPluginAsync } from '@sealpost/http'
import type { Platform, RunningService } from '@sealpost/service'
import { CertificateWorker } from './certificates/certificate-worker.ts'
import type { KeysConfig } from './config.ts'
import { Directory } from './directory/directory.ts'
import { postgresCertificateStore } from './directory/store.postgres.ts'
import { createEvents } from './events.ts'
import { hkp } from './routes/hkp.ts'
import type { HkpOptions } from './routes/hkp.ts'
import { hkpV2 } from './routes/hkp-v2/hkp-v2.ts'
import { transparency } from './routes/transparency.ts'
import { wkd } from './routes/wkd.ts'
import type { WkdOptions } from './routes/wkd.ts'
import { KeyLog } from './transparency/key-log.ts'
import { postgresLogStore } from './transparency/log-store.postgres.ts'
import { openLogSecrets } from './transparency/log-secrets.ts'

export interface KeysService extends RunningService {
  readonly directory: Directory
}

/** Lookups of one client in a minute. */
const REQUESTS_PER_MINUTE = 300
const FORGET_EVERY_MS = 60 * 60_000

export async function createKeysService(config: KeysConfig, platform: Platform): Promise<KeysService> {
  await using stack = new AsyncDisposableStack()
  const { metrics, bind, clock, domains } = platform
  const events = createEvents(platform)
  const onError = (error: unknown): void => events.databaseFailed(error)
  const db = stack.use(await openDb({ url: platform.databaseUrl, role: 'sealpost_keys', onError }))
  const worker = stack.use(new CertificateWorker(clock))
  const log = await KeyLog.open({
    store: postgresLogStore(db),
    secrets: await openLogSecrets(platform.dataDir, platform.random),
    clock,
    place: `${domains[0] ?? 'localhost'}/tlog`,
  })
  const directory = new Directory({ store: postgresCertificateStore(db, log), worker, clock })
  stack.use(clock.every(FORGET_EVERY_MS, async () => void (await directory.forgetUnpublished())))
  stack.use(clock.every(FORGET_EVERY_MS, async () => void (await log.eraseDue())))
  const options = { directory, events, clock, domains }
  const limits = { requestsPerMinute: REQUESTS_PER_MINUTE }
  const server = stack.use(await createHttp({ log: platform.log, metrics, title: 'Sealpost HKP', ...limits }))
  await server.app.register(hkp, options)
  await server.app.register(hkpV2, options)
  const { port } = await server.listen({ host: bind, port: config.hkpPort })
  events.listening(port)
  const held = stack.move()
  return {
    directory,
    http: routes(options, log),
    ready: () =>
      db.query(sql`select 1`).then(
        () => true,
        () => false,
      ),
    addresses: [{ name: 'Key directory (HKP)', url: `hkp://${domains[0] ?? 'localhost'}:${String(port)}` }],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

function routes(options: HkpOptions & WkdOptions, log: KeyLog): FastifyPluginAsync {
  return async (app) => {
    await app.register(hkp, options)
    await app.register(hkpV2, options)
    await app.register(wkd, options)
    await app.register(transparency, { log })
  }
}
