/** A relay put together here, so that a test can look into its store and turn its limits down. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AccountsDomain, createAccounts, type StorageMode } from '@sealpost/accounts'
import { createProcessBus } from '@sealpost/bus'
import { type Db, openDb, sql } from '@sealpost/db'
import { ensureCertificate } from '@sealpost/dev-env'
import { parseJid } from '@sealpost/jid'
import { type Keyring, openKeyring } from '@sealpost/keyring'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import type { Relay as RelayPort } from '@sealpost/ports'
import { createClock, systemRandom } from '@sealpost/runtime'
import { type Platform, watchTls } from '@sealpost/service'
import type { Element } from '@sealpost/stanza'
import { createMigratedDatabase } from '../../../test/database.ts'
import { postgresDeviceStore } from '../src/delivery/device-store.postgres.ts'
import { openSealedStore, type SealedStore } from '../src/delivery/sealed-store/sealed-store.ts'
import { createXmppEvents } from '../src/events.ts'
import { DeviceHashes } from '../src/delivery/device-hashes.ts'
import { postgresFastTokenStore } from '../src/modules/fast/token-store.postgres.ts'
import { postgresGroupStore } from '../src/modules/groups/store.postgres.ts'
import { postgresPepStore } from '../src/modules/pep/store.postgres.ts'
import { postgresBlockStore } from '../src/modules/blocking/store.postgres.ts'
import { PushRegistry } from '../src/modules/push/push-registry.ts'
import { postgresPushStore } from '../src/modules/push/store.postgres.ts'
import { postgresContactInviteStore } from '../src/modules/joining/store.postgres.ts'
import { postgresXmlStore } from '../src/modules/stored-xml/store.postgres.ts'
import { postgresRosterStore } from '../src/modules/roster/store.postgres.ts'
import { Relay, type RelayLimits } from '../src/relay.ts'
import { listenTcp } from '../src/transports/tcp.ts'
import { type SignInOptions, TestClient } from './client.ts'
import { noCommands } from './no-commands.ts'

export interface DeliveryOptions {
  readonly limits?: Partial<RelayLimits>
  readonly storage?: StorageMode
  readonly messageTtlSeconds?: number
  readonly resumeTimeoutMs?: number
}

const PASSWORD = 'secret'

export class DeliveryFixture implements AsyncDisposable {
  readonly platform: Platform
  readonly accounts: AccountsDomain
  readonly keyringDir: string
  readonly db: Db
  store!: SealedStore
  keyring!: Keyring
  /** What other services ask of the relay. */
  administration!: RelayPort
  readonly #options: DeliveryOptions
  readonly #stack: AsyncDisposableStack
  readonly #made = new Map<string, Promise<unknown>>()
  #running = new AsyncDisposableStack()
  #port = 0

  private constructor(
    parts: { platform: Platform; accounts: AccountsDomain; db: Db; stack: AsyncDisposableStack },
    options: DeliveryOptions,
  ) {
    this.platform = parts.platform
    this.accounts = parts.accounts
    this.db = parts.db
    this.keyringDir = join(parts.platform.dataDir, 'keyring')
    this.#stack = parts.stack
    this.#options = options
  }

  static async start(options: DeliveryOptions = {}): Promise<DeliveryFixture> {
    const stack = new AsyncDisposableStack()
    const { url } = stack.use(await createMigratedDatabase())
    const dataDir = await mkdtemp(join(tmpdir(), 'sealpost-delivery-'))
    stack.defer(() => rm(dataDir, { recursive: true, force: true }))
    const platform = await createPlatform(url, dataDir, stack)
    const accountDb = stack.use(await openDb({ url, role: 'sealpost_account' }))
    const { bus, clock, random } = platform
    const accounts = stack.use(createAccounts({ db: accountDb, bus, clock, random }))
    const db = stack.use(await openDb({ url, role: 'sealpost_xmpp' }))
    const fixture = new DeliveryFixture({ platform, accounts, db, stack }, options)
    await fixture.run()
    return fixture
  }

  get port(): number {
    return this.#port
  }

  /** Starts the relay in this process; `start` has done so already. */
  async run(): Promise<void> {
    const { platform, accounts, db, keyringDir } = this
    const { clock, random, log, metrics } = platform
    const stack = new AsyncDisposableStack()
    this.store = stack.use(
      await openSealedStore({
        db,
        clock,
        random,
        log,
        metrics,
        keyring: { mode: 'file', directory: keyringDir },
        onFenced: () => undefined,
        openKeyring: async (options) => (this.keyring = await openKeyring(options)),
      }),
    )
    const {
      limits,
      storage = 'sealed',
      messageTtlSeconds = 86_400,
      resumeTimeoutMs = 600_000,
    } = this.#options
    const relay = stack.use(
      await Relay.create({
        platform,
        accounts,
        store: this.store,
        events: createXmppEvents(log, metrics),
        devices: postgresDeviceStore(db),
        policy: { e2ee: 'required', storage, messageTtlSeconds },
        isShared: () => true,
        hasComponents: false,
        features: {
          rosters: postgresRosterStore(db),
          blocked: postgresBlockStore(db),
          groups: { store: postgresGroupStore(db), label: 'groups' },
          contactInvites: postgresContactInviteStore(db),
          administrators: [],
          plain: 'off',
          registration: 'off',
          pep: postgresPepStore(db),
          xml: postgresXmlStore(db),
          push: new PushRegistry(postgresPushStore(db), systemRandom.bytes(32), systemRandom),
          contacts: { publicOrigin: () => 'https://localhost', supportUrl: undefined },
          backups: { everyHours: undefined, keptHours: undefined },
          commands: noCommands,
          fast: { store: postgresFastTokenStore(db), key: systemRandom.bytes(32) },
          deviceHashes: new DeviceHashes('key'),
          resumeTimeoutMs,
        },
        ...(limits ? { limits } : {}),
      }),
    )
    this.administration = relay.port
    const accept = relay.accept.bind(relay)
    const { bind: host, tls } = platform
    const listener = stack.use(await listenTcp({ host, port: this.#port, tls, direct: false, accept }))
    this.#port = listener.port
    stack.defer(() => relay.stop())
    this.#running = stack
  }

  /** Stops cleanly and starts again on the same data. */
  async restart(): Promise<void> {
    await this.stop()
    await this.run()
  }

  async stop(): Promise<void> {
    await this.#running.disposeAsync()
  }

  /** An account with this name and the password `secret`. */
  async account(name: string): Promise<void> {
    let made = this.#made.get(name)
    if (!made) this.#made.set(name, (made = this.accounts.create(parseJid(`${name}@localhost`), PASSWORD)))
    await made
  }

  /** A signed-in client; makes the account when it is not there. */
  async client(name: string, options: Partial<SignInOptions> = {}): Promise<TestClient> {
    await this.account(name)
    const client = await TestClient.signIn({
      port: this.#port,
      username: name,
      password: PASSWORD,
      ...options,
    })
    this.#stack.use(client)
    return client
  }

  /** With stream management, and available. */
  /** `maxSeconds`: for how long it wants to be able to resume. */
  async device(
    name: string,
    resource: string,
    maxSeconds?: number,
  ): Promise<TestClient & { previd: string }> {
    const client = await this.client(name, { resource })
    const previd = (await client.enableStreamManagement(true, maxSeconds)) ?? ''
    await client.available()
    return Object.assign(client, { previd })
  }

  /** Signs in twice, which makes the resource a device with a queue of its own, and goes away. */
  async register(name: string, resource: string, carbons = false): Promise<void> {
    for (let time = 0; time < 2; time++) {
      const client = await this.device(name, resource)
      if (carbons) await client.request('set', `<enable xmlns='urn:xmpp:carbons:2'/>`)
      await client.ping()
      await client.close()
    }
  }

  /** An authenticated stream without a session, as a resumption needs it. */
  async authenticated(name: string): Promise<TestClient> {
    const options = { port: this.#port, username: name, password: PASSWORD }
    const client = await TestClient.connect(options)
    this.#stack.use(client)
    await client.authenticate(options)
    return client
  }

  /** Messages of all queues, and rows, once those whose key is gone are collected. */
  async kept(): Promise<{ keys: number; rows: number }> {
    await this.store.garbage()
    const [row] = await this.db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
    return { keys: this.keyring.size, rows: row?.count ?? -1 }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync()
    await this.#stack.disposeAsync()
  }
}

async function createPlatform(
  databaseUrl: string,
  dataDir: string,
  stack: AsyncDisposableStack,
): Promise<Platform> {
  const onError = (error: unknown) => void process.stderr.write(`${String(error)}\n`)
  const clock = createClock({ onError })
  const log = createLog({ level: 'error' })
  const domains = ['localhost']
  const directory = join(dataDir, 'tls')
  await ensureCertificate({ directory, domains, clock, random: systemRandom })
  return {
    log,
    clock,
    databaseUrl,
    dataDir,
    domains,
    bind: '127.0.0.1',
    metrics: createMetrics(),
    random: systemRandom,
    bus: stack.use(createProcessBus({ onError })),
    tls: stack.use(watchTls(join(directory, 'cert.pem'), join(directory, 'key.pem'), { log, clock })),
  }
}

/** Nothing is kept any more: neither a key nor, once garbage is collected, a row. */
export const NOTHING_KEPT = { keys: 0, rows: 0 }

/** The next messages, in the order in which they came. */
export async function take(client: TestClient, count: number, patienceMs = 20_000): Promise<Element[]> {
  const messages: Element[] = []
  while (messages.length < count) messages.push(await client.message(patienceMs))
  return messages
}

/** The ids of the next messages. */
export async function takeIds(client: TestClient, count: number, patienceMs?: number): Promise<string[]> {
  return (await take(client, count, patienceMs)).map((message) => message.attrs['id'] ?? '')
}

/** `prefix0` to `prefixN`. */
export function ids(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`)
}

/** No message comes, nor came, although the server had the time to send it. */
export async function expectNoMessage(client: TestClient): Promise<void> {
  await client.ping()
  await client.ping()
  const messages = client.inbox.filter(({ name }) => name === 'message')
  if (messages.length > 0) throw new Error(`received ${messages.join('')}`)
}
