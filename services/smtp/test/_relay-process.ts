/**
 * A mail relay in a process of its own, to be killed: `node _relay-process.ts DATABASE_URL DATA_DIR`. It loads its program and waits for a line on its standard
 * input: its settings, variables of the environment as a JSON object. Prints its ports when it listens, those of SMTP and that of HTTP, and ends when its standard
 * input does.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createProcessBus } from '@sealpost/bus'
import { defineConfig } from '@sealpost/config'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { keyDirectoryClient, openPortSecret } from '@sealpost/ports'
import { createClock, systemRandom } from '@sealpost/runtime'
import { watchTls } from '@sealpost/service'
import { createSmtpService } from '@sealpost/smtp-service'
import { readConfig } from '@sealpost/smtp-service/config'
import { mailQueueRoutes } from '../src/ports/mail-queue-routes.ts'

process.stdin.on('end', () => process.exit()) // whoever wanted it is gone
const [databaseUrl = '', dataDir = ''] = process.argv.slice(2)
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const clock = createClock({ onError })
const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'silent' }) // what it stands on is taken away, which is what it would say
const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string]
const settings = JSON.parse(line) as Readonly<Record<string, string>>
const config = defineConfig({ ...settings, SEALPOST_DATA_DIR: dataDir }, readConfig)
const metrics = createMetrics()
const secret = await openPortSecret(dataDir, systemRandom)
const service = await createSmtpService(
  { ...config, mxPort: 0, submissionPort: 0, submissionsPort: 0 },
  {
    log,
    clock,
    databaseUrl,
    dataDir,
    metrics,
    bus: createProcessBus({ onError }),
    random: systemRandom,
    tls: watchTls(join(dataDir, 'tls/cert.pem'), join(dataDir, 'tls/key.pem'), { log, clock }),
    domains: ['localhost'],
    bind: '127.0.0.1',
  },
  { keys: keyDirectoryClient({ url: config.keysUrl, secret, onError: () => undefined }) },
)
const http = await createHttp({ log, metrics, title: 'Test' })
await http.app.register(service.http)
await http.app.register(mailQueueRoutes(service.mailOperations, secret))
const { port } = await http.listen({ host: '127.0.0.1', port: 0 })
const ports = service.addresses.map(({ url }) => new URL(url).port)
process.stdout.write(`listening on ${[...ports, port].join(' ')}\n`)
