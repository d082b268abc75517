/** What a service stands on, for tests that create one in their own process: real parts, free ports, logs kept. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { createProcessBus } from '@sealpost/bus'
import { ensureCertificate, locate } from '@sealpost/dev-env'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { migrateAll, watchTls } from '@sealpost/service'
import type { Platform } from '@sealpost/service'
import { createMigratedDatabase } from './database.ts'

export interface TestPlatform extends Platform, AsyncDisposable {
  /** Everything logged so far, at all levels. */
  logged(): string
  /** The CA that signed the certificate, in a file. */
  readonly caFile: string
}

/** On a fresh database of the run's Postgres, or on the one of the URL; migrated. */
export async function createTestPlatform(
  domains: readonly string[] = ['localhost'],
  databaseUrl?: string,
): Promise<TestPlatform> {
  await using stack = new AsyncDisposableStack()
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-test-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const url = databaseUrl ?? stack.use(await createMigratedDatabase()).url
  if (databaseUrl !== undefined) await migrateAll(url)
  const [clock, random] = [systemClock, systemRandom]
  const directory = locate(dataDir).tls
  await ensureCertificate({ directory, domains, clock, random })
  let logged = ''
  const destination = new PassThrough().on('data', (chunk: Buffer) => {
    logged += chunk.toString()
  })
  const log = createLog({ level: 'debug', destination })
  const tls = stack.use(watchTls(join(directory, 'cert.pem'), join(directory, 'key.pem'), { log, clock }))
  const bus = stack.use(createProcessBus())
  const held = stack.move()
  return {
    log,
    metrics: createMetrics(),
    bus,
    clock,
    random,
    tls,
    databaseUrl: url,
    dataDir,
    domains,
    bind: '127.0.0.1',
    logged: () => logged,
    caFile: join(directory, 'ca.pem'),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
