/**
 * A mail relay in a process of its own, to be killed: `node _relay-process.ts DATABASE_URL DATA_DIR ROUTES`. Prints the port of direct TLS when it listens, and ends
 * when its standard input does.
 */
import { join } from 'node:path'
import { createProcessBus } from '@sealpost/bus'
import { defineConfig } from '@sealpost/config'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { createClock, systemRandom } from '@sealpost/runtime'
import { watchTls } from '@sealpost/service'
import { createSmtpService } from '@sealpost/smtp-service'
import { readConfig } from '@sealpost/smtp-service/config'

process.stdin.on('end', () => process.exit()).resume() // whoever wanted it is gone
const [databaseUrl = '', dataDir = '', routes = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const clock = createClock({ onError })
const log = createLog({ level: 'error' })
const config = defineConfig({ SEALPOST_DATA_DIR: dataDir, SMTP_ROUTES: routes }, readConfig)
const service = await createSmtpService(
  { ...config, mxPort: 0, submissionPort: 0, submissionsPort: 0 },
  {
    log,
    clock,
    databaseUrl,
    dataDir,
    metrics: createMetrics(),
    bus: createProcessBus({ onError }),
    random: systemRandom,
    tls: watchTls(join(dataDir, 'tls/cert.pem'), join(dataDir, 'tls/key.pem'), { log, clock }),
    domains: ['localhost'],
    bind: '127.0.0.1',
  },
  { keys: { find: () => Promise.resolve(undefined) } },
)
process.stdout.write(`listening on ${new URL(service.addresses[2]?.url ?? '').port}\n`)
