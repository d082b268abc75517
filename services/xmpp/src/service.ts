/** The composition root of the relay in its process: databases, sealed store, listeners. */
import { join } from 'node:path'
import { type AccountsDomain, createAccounts } from '@sealpost/accounts'
import { type Db, openDb, sql } from '@sealpost/db'
import { SelfAudit } from '@sealpost/forensics'
import type {
  AccountCommands,
  ChatImport,
  OwnData,
  Relay as RelayPort,
  RelayOwnData,
  SelfAudits,
} from '@sealpost/ports'
import type { Platform, RunningService } from '@sealpost/service'
import { TurnRelay } from '@sealpost/turn'
import type { XmppConfig } from './config.ts'
import { openDeviceHashes } from './delivery/device-hashes.ts'
import { postgresDeviceStore } from './delivery/device-store.postgres.ts'
import { openSealedStore, type SealedStore } from './delivery/sealed-store/sealed-store.ts'
import { createXmppEvents } from './events.ts'
import { openKeyFile } from './key-file.ts'
import { listenForClients, listenForComponents } from './listeners.ts'
import { postgresBlockStore } from './modules/blocking/store.postgres.ts'
import { postgresContactInviteStore } from './modules/joining/store.postgres.ts'
import { postgresFastTokenStore } from './modules/fast/token-store.postgres.ts'
import { postgresGroupStore } from './modules/groups/store.postgres.ts'
import { postgresPepStore } from './modules/pep/store.postgres.ts'
import { PushRegistry } from './modules/push/push-registry.ts'
import { postgresPushStore } from './modules/push/store.postgres.ts'
import { limitsOf } from './modules/upload/upload-limits.ts'
import { UploadFiles } from './modules/upload/upload-files.ts'
import { Uploads, type UploadsOptions } from './modules/upload/uploads.ts'
import { postgresXmlStore } from './modules/stored-xml/store.postgres.ts'
import { postgresRosterStore } from './modules/roster/store.postgres.ts'
import { relayOwnData } from './own-data.ts'
import type { MessagePolicy } from './policy/domain-policies.ts'
import { Relay, type RelayLimits } from './relay.ts'
import { canaries } from './self-audit/canaries.ts'
import type { TcpOptions } from './transports/tcp.ts'
import { webRoutes } from './transports/web-routes.ts'

/** Less free space than this is left to others than uploads. */
const FREE_BYTES_MIN = 256 * 1024 * 1024
/** Who signs in while the database stands still is told within 10 s. */
const SIGN_IN_STATEMENT_MS = 5_000

export interface XmppService extends RunningService {
  /** What other services of this process may ask of the relay. */
  readonly relay: RelayPort
  readonly ownData: OwnData<RelayOwnData>
  readonly selfAudits: SelfAudits
  readonly chatImport: ChatImport
}

/** What the relay asks of other services. */
export interface XmppPorts {
  readonly commands: AccountCommands
}

/** Starts the relay: opens its store (which refuses a wrong database), then listens. */
export async function createXmppService(
  config: XmppConfig,
  platform: Platform,
  { commands }: XmppPorts,
  limits: Partial<RelayLimits> = {},
): Promise<XmppService> {
  await using stack = new AsyncDisposableStack()
  const { clock, random, metrics, bus } = platform
  const log = platform.log.child({ service: 'xmpp' })
  const events = createXmppEvents(log, metrics)
  const database = { url: platform.databaseUrl, onError: events.databaseFailed }
  const accountDb = stack.use(
    await openDb({ ...database, role: 'sealpost_account', statementMs: SIGN_IN_STATEMENT_MS }),
  )
  const db = stack.use(await openDb({ ...database, role: 'sealpost_xmpp' }))
  const accounts = stack.use(createAccounts({ db: accountDb, bus, clock, random }))
  const keyring = { mode: 'file', directory: config.keyringDir } as const
  const fenced = Promise.withResolvers<void>()
  const onFenced = () => fenced.resolve()
  const store = stack.use(await openSealedStore({ db, keyring, clock, random, log, metrics, onFenced }))
  const { devices, fast, pushes, ...stores } = storesOver(db, config)
  const push = new PushRegistry(
    pushes,
    await openKeyFile(join(config.keyringDir, 'push.key'), random),
    random,
  )
  const uploads = stack.use(
    await openUploads(config, { accounts, store, clock, random, events }, limits.freeBytesMin),
  )
  const relay = stack.use(
    await Relay.create({
      platform: { ...platform, log },
      events,
      accounts,
      store,
      devices,
      policy: policyOf(config),
      isShared: (address) => config.unlimitedNetworks.include(address),
      hasComponents: config.components.domains.length > 0,
      features: {
        ...stores,
        push,
        commands,
        fast: { store: fast, key: await openKeyFile(join(config.keyringDir, 'fast.key'), random) },
        deviceHashes: await openDeviceHashes(platform.dataDir, random),
        ...settingsOf(config),
        uploads: { desk: uploads, limits: config.uploads },
        turn: new TurnRelay({ config: config.turn, clock, random, metrics }),
      },
      limits,
    }),
  )
  const selfAudits = stack.use(await openSelfAudit(config, platform, store))
  void fenced.promise.then(() => [uploads, relay].forEach((part) => part.fence()))
  const accept: TcpOptions['accept'] = (connection) => relay.accept(connection)
  const clients = stack.use(await listenForClients(config, platform, accept))
  const components = stack.use(await listenForComponents(config, platform, { relay, events }))
  stack.defer(() => relay.stop()) // first of all
  const owned = stack.move()
  return {
    relay: relay.port,
    selfAudits,
    chatImport: relay.chatImport,
    ownData: relayOwnData({ relay: relay.port, accounts, devices, fast, push, uploads, clock, ...stores }),
    http: (app) => webRoutes(app, { accept, publicOrigin: config.contacts.publicOrigin, uploads }),
    ready: async () => (await db.query(sql`select 1`)).length === 1,
    addresses: [...clients.addresses, ...components.addresses],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function openSelfAudit(
  { selfAuditDirs: directories, keyringDir }: XmppConfig,
  { dataDir, clock, random, log, metrics }: Platform,
  store: SealedStore,
): Promise<SelfAudit> {
  return SelfAudit.open({
    plant: canaries({ store, random, clock }),
    keyring: 'xmpp',
    directories,
    keyringFile: join(keyringDir, 'keyring.slots'),
    recordFile: join(dataDir, 'self-audit.json'),
    clock,
    log,
    metrics,
  })
}

async function openUploads(
  { uploadsDir: directory, uploads }: XmppConfig,
  { accounts, ...parts }: Omit<UploadsOptions, 'files' | 'limitsOf'> & { readonly accounts: AccountsDomain },
  freeBytesMin = FREE_BYTES_MIN,
): Promise<Uploads> {
  const files = await UploadFiles.open({ directory, random: parts.random, freeBytesMin })
  return Uploads.open({ ...parts, files, limitsOf: limitsOf(accounts.plans, uploads) })
}

function storesOver(db: Db, config: XmppConfig) {
  return {
    devices: postgresDeviceStore(db),
    rosters: postgresRosterStore(db),
    blocked: postgresBlockStore(db),
    contactInvites: postgresContactInviteStore(db),
    pep: postgresPepStore(db),
    xml: postgresXmlStore(db),
    fast: postgresFastTokenStore(db),
    groups: { store: postgresGroupStore(db), label: config.groupsLabel },
    pushes: postgresPushStore(db),
  }
}

function settingsOf({ administrators, contacts, backups, plain, registration, resumeTimeoutMs }: XmppConfig) {
  return { administrators, contacts, backups, plain, registration, resumeTimeoutMs }
}

function policyOf({ e2eePolicy, storageMode, messageTtlMs }: XmppConfig): MessagePolicy {
  return { e2ee: e2eePolicy, storage: storageMode, messageTtlSeconds: Math.ceil(messageTtlMs / 1000) }
}
