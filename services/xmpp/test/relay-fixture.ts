/** A relay on a database and a data directory of its own, in this process, with accounts made on demand. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { type AccountsDomain, createAccounts } from '@sealpost/accounts'
import { createPostgresBus, createProcessBus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { createHttp } from '@sealpost/http'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { type Clock, createClock, systemRandom } from '@sealpost/runtime'
import { parseJid } from '@sealpost/jid'
import type { AccountCommands, ChatImport, Relay as RelayPort } from '@sealpost/ports'
import { ensureCertificate } from '@sealpost/dev-env'
import { type Platform, watchTls } from '@sealpost/service'
import { createXmppService } from '@sealpost/xmpp-service'
import type { XmppConfig } from '@sealpost/xmpp-service/config'
import type { RelayLimits } from '../src/relay.ts'
import { createMigratedDatabase } from '../../../test/database.ts'
import { type SignInOptions, TestClient } from './client.ts'
import { TestComponent } from './component.ts'
import { noCommands } from './no-commands.ts'

export interface RelayFixture extends AsyncDisposable {
  readonly port: number
  readonly tlsPort: number
  /** 0 unless components are configured. */
  readonly componentPort: number
  /** The secret that the relay made for a component. */
  componentSecret(domain: string): Promise<string>
  /** A component that has shaken hands. */
  component(domain: string): Promise<TestComponent>
  readonly platform: Platform
  readonly accounts: AccountsDomain
  /** What other services ask; another after each restart. */
  readonly relayPort: RelayPort
  readonly chatImport: ChatImport
  readonly databaseUrl: string
  readonly keyringDir: string
  /** Where certificate and key are, `cert.pem` and `key.pem`. */
  readonly tlsDir: string
  /** Everything the relay logged, at all levels. */
  logged(): string
  /** An account with this name and the password `secret`. */
  account(name: string): Promise<void>
  /** A signed-in client; makes the account when it is not there. */
  client(name: string, options?: Partial<SignInOptions>): Promise<TestClient>
  /** Opens an HTTP listener with the relay's routes, and returns its origin; closed by the fixture. */
  http(): Promise<string>
  /** Stops the relay cleanly and starts it again on the same data. */
  restart(): Promise<void>
}

const PASSWORD = 'secret'

const defaults: XmppConfig = {
  port: 0,
  tlsPort: 0,
  e2eePolicy: 'required',
  storageMode: 'sealed',
  messageTtlMs: 14 * 86_400_000,
  resumeTimeoutMs: 600_000,
  uploads: {
    fileBytes: 8 * 1024 * 1024,
    spaceBytes: 16 * 1024 * 1024,
    slotsPerHour: 100,
    keepSeconds: 86_400,
  },
  uploadsDir: '',
  selfAuditDirs: [],
  backups: { everyHours: undefined, keptHours: undefined },
  administrators: [],
  plain: 'off',
  registration: 'off',
  turn: { services: [], secret: undefined, ttlMs: 21_600_000 },
  contacts: { publicOrigin: () => 'https://localhost', supportUrl: 'mailto:help@localhost' },
  groupsLabel: 'groups',
  keyringDir: '',
  apiUrl: undefined,
  components: { domains: [], port: 0, networks: { include: () => true }, secretsDir: '' },
  unlimitedNetworks: { include: () => true }, // every client of every test comes from here
}

/**
 * `limits` replaces bounds that have no variable; `bus`: as with services in processes of their own; `ownClock`: in place of the system's.
 * Disposing throws if a handler of the relay had crashed.
 */
export async function startRelay(
  config: Partial<XmppConfig> = {},
  limits: Partial<RelayLimits> = {},
  {
    bus = 'process',
    ownClock,
    commands = noCommands,
  }: { bus?: 'process' | 'postgres'; ownClock?: Clock; commands?: AccountCommands } = {},
): Promise<RelayFixture> {
  const stack = new AsyncDisposableStack()
  let logged = ''
  const destination = new PassThrough().on('data', (chunk: Buffer) => {
    logged += chunk.toString()
  })
  stack.defer(() => {
    const crash = /"(?:stream_crashed|stanza_failed|task_failed)".*/.exec(logged)
    if (crash) throw new Error(`the relay logged ${crash[0]}`)
  })
  const database = stack.use(await createMigratedDatabase())
  const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-relay-'))
  stack.defer(() => rm(dataDir, { recursive: true, force: true }))
  const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
  const clock = ownClock ?? createClock({ onError })
  const log = createLog({ level: 'debug', destination })
  const domains = ['localhost', 'example.org']
  const tls = { directory: join(dataDir, 'tls'), domains, clock, random: systemRandom }
  await ensureCertificate(tls)
  const accountDb = stack.use(await openDb({ url: database.url, role: 'sealpost_account' }))
  const platform: Platform = {
    log,
    metrics: createMetrics(),
    bus: stack.use(
      bus === 'process' ? createProcessBus({ onError }) : await createPostgresBus(accountDb, { onError }),
    ),
    clock,
    random: systemRandom,
    tls: stack.use(watchTls(join(dataDir, 'tls/cert.pem'), join(dataDir, 'tls/key.pem'), { log, clock })),
    databaseUrl: database.url,
    dataDir,
    domains,
    bind: '127.0.0.1',
  }
  const accounts = stack.use(
    createAccounts({ db: accountDb, bus: platform.bus, clock, random: systemRandom }),
  )
  const directories = { keyringDir: join(dataDir, 'keyring'), uploadsDir: join(dataDir, 'uploads') }
  const components = { ...defaults.components, ...config.components, secretsDir: join(dataDir, 'components') }
  const relayConfig = { ...defaults, ...directories, ...config, components }
  let service = await createXmppService(relayConfig, platform, { commands }, limits)
  stack.defer(() => service[Symbol.asyncDispose]())
  const port = (index: number) => Number(new URL(service.addresses[index]?.url ?? 'xmpp://none').port)
  const componentSecret = async (domain: string) =>
    (await readFile(join(components.secretsDir, domain), 'utf8')).trimEnd()
  const made = new Map<string, Promise<unknown>>()
  const account = async (name: string) => {
    const making = made.get(name) ?? accounts.create(parseJid(`${name}@localhost`), PASSWORD)
    made.set(name, making)
    await making
  }
  return {
    get port() {
      return port(0)
    },
    get tlsPort() {
      return port(1)
    },
    get componentPort() {
      return port(2)
    },
    componentSecret,
    component: async (domain) =>
      stack.use(await TestComponent.connect(port(2), domain, await componentSecret(domain))),
    get relayPort() {
      return service.relay
    },
    get chatImport() {
      return service.chatImport
    },
    platform,
    accounts,
    databaseUrl: database.url,
    keyringDir: relayConfig.keyringDir,
    tlsDir: tls.directory,
    logged: () => logged,
    account,
    client: async (name, options = {}) => {
      await account(name)
      const client = await TestClient.signIn({
        port: port(0),
        username: name,
        password: PASSWORD,
        ...options,
      })
      stack.use(client)
      return client
    },
    http: async () => {
      const { metrics } = platform
      const http = stack.use(await createHttp({ log, metrics, title: 'Relay', trustProxy: true }))
      await http.app.register(service.http)
      return `http://127.0.0.1:${String((await http.listen({ host: '127.0.0.1', port: 0 })).port)}`
    },
    restart: async () => {
      const ports = { port: port(0), tlsPort: port(1), components: { ...components, port: port(2) } }
      await service[Symbol.asyncDispose]()
      service = await createXmppService({ ...relayConfig, ...ports }, platform, { commands }, limits)
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** An OMEMO message (XEP-0384 0.3) as its server sees it. */
export function omemo(to: string, id: string, payload = 'c2VhbGVk'.repeat(8)): string {
  return (
    `<message to='${to}' type='chat' id='${id}'><encrypted xmlns='eu.siacs.conversations.axolotl'>` +
    `<header sid='1'><key rid='2'>${'QUFB'.repeat(12)}</key><iv>AAAAAAAAAAAAAAAA</iv></header>` +
    `<payload>${payload}</payload></encrypted><store xmlns='urn:xmpp:hints'/></message>`
  )
}
