/**
 * A relay in a process of its own, to be killed or stopped: `node _relay-process.ts DATABASE_URL DATA_DIR PORT [standby|run LIMITS]`, bounds that have no variable as JSON. Prints its ports when it
 * listens: STARTTLS, direct TLS, HTTP. With `standby` it loads its program and waits for a line on its standard input before it starts.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { createProcessBus } from '@sealpost/bus'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { createClock, systemRandom } from '@sealpost/runtime'
import { watchTls } from '@sealpost/service'
import { createXmppService } from '@sealpost/xmpp-service'
import type { RelayLimits } from '../src/relay.ts'
import { noCommands } from './no-commands.ts'

process.stdin.on('end', () => process.exit()).resume() // whoever wanted it is gone
const [databaseUrl = '', dataDir = '', port = '0', mode = 'run', limits = '{}'] = process.argv.slice(2)
if (mode === 'standby') await once(process.stdin, 'data')
const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
const clock = createClock({ onError })
const log = createLog({ level: process.env['LOG_LEVEL'] ?? 'error' })
const service = await createXmppService(
  {
    port: Number(port),
    tlsPort: 0,
    unlimitedNetworks: { include: () => true },
    e2eePolicy: 'required',
    storageMode: 'sealed',
    messageTtlMs: 86_400_000,
    resumeTimeoutMs: 3_600_000,
    groupsLabel: 'groups',
    apiUrl: undefined,
    uploads: { fileBytes: 1e9, spaceBytes: 1e9, slotsPerHour: 1_000, keepSeconds: 86_400 },
    uploadsDir: join(dataDir, 'uploads'),
    selfAuditDirs: [],
    backups: { everyHours: undefined, keptHours: undefined },
    components: { domains: [], port: 0, networks: { include: () => false }, secretsDir: '' },
    administrators: [],
    plain: 'off',
    registration: 'off',
    turn: { services: [], secret: undefined, ttlMs: 21_600_000 },
    contacts: { publicOrigin: () => 'https://localhost', supportUrl: undefined },
    keyringDir: join(dataDir, 'keyring'),
  },
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
  { commands: noCommands },
  JSON.parse(limits) as Partial<RelayLimits>,
)
const http = await createHttp({ log, metrics: createMetrics(), title: 'Relay', trustProxy: true })
await http.app.register(service.http)
const web = await http.listen({ host: '127.0.0.1', port: 0 })
const ports = [...service.addresses.map(({ url }) => new URL(url).port), web.port]
process.once('SIGTERM', () => void service[Symbol.asyncDispose]().then(() => process.exit(0)))
process.stdout.write(`listening on ${ports.join(' ')}\n`)
