/**
 * The OpenPGP key directory: HKP on its port; HKP, VKS, WKD, the transparency log and the pages of links in mails on the
 * common HTTP server.
 */
import { brandingOfHost, createAccounts, createPasswordCheck, createSessionCheck } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { createHttp, languageOf } from '@sealpost/http'
import type { FastifyPluginAsync, FastifyRequest, PageLook } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import type {
  KeyDirectory,
  KeyOperations,
  KeysOwnData,
  Mail,
  OwnData,
  OwnSessions,
  PortSecret,
} from '@sealpost/ports'
import { Supervisor } from '@sealpost/runtime'
import type { Clock } from '@sealpost/runtime'
import type { Platform, RunningService } from '@sealpost/service'
import { CertificateWorker } from './certificates/certificate-worker.ts'
import type { KeysConfig } from './config.ts'
import { accountOf } from './directory/account-of.ts'
import { AccountPools } from './directory/account-pools.ts'
import { Directory } from './directory/directory.ts'
import { postgresCertificateStore } from './directory/store.postgres.ts'
import { createEvents } from './events.ts'
import type { KeysEvents } from './events.ts'
import { AccountFollower } from './lifecycle/account-follower.ts'
import { sendReminders } from './lifecycle/reminders.ts'
import { linkPages } from './pages/link-pages.ts'
import { publicPages } from './pages/public-pages.ts'
import { keyDirectory } from './ports/key-directory.ts'
import { keyOperations } from './ports/key-operations.ts'
import { keysOwnData } from './ports/own-data.ts'
import { dane } from './routes/dane.ts'
import { hkp } from './routes/hkp.ts'
import { hkpV2 } from './routes/hkp-v2/hkp-v2.ts'
import { importRoute } from './routes/import.ts'
import { ownKeys } from './routes/own-keys.ts'
import type { OwnKeysOptions } from './routes/own-keys.ts'
import { statementRoutes } from './routes/statements.ts'
import { transparency } from './routes/transparency.ts'
import { vks } from './routes/vks.ts'
import { wkd } from './routes/wkd.ts'
import { KeyLog } from './transparency/key-log.ts'
import { postgresLogStore } from './transparency/log-store.postgres.ts'
import { openLogSecrets } from './transparency/log-secrets.ts'
import { Canonical } from './verification/canonical.ts'
import { KeyMail } from './verification/key-mail.ts'
import { MailLimits } from './verification/mail-limits.ts'
import { OwnKeys } from './verification/own-keys.ts'
import { postgresLinkStore } from './verification/store.postgres.ts'
import { Statements } from './verification/statements.ts'
import { uploadTokens } from './verification/upload-token.ts'
import type { UploadTokens } from './verification/upload-token.ts'
import { Verification } from './verification/verification.ts'
import type { VerificationOptions } from './verification/verification.ts'
import { SubmissionKeys } from './web-key-service/submission-keys.ts'
import { SubmissionMails } from './web-key-service/submission-mail.ts'
import { SubmissionThread } from './web-key-service/submission-thread.ts'
import { WebKeyService } from './web-key-service/web-key-service.ts'

export interface KeysService extends RunningService {
  readonly directory: Directory
  /** What other services of this process may ask. */
  readonly keys: KeyDirectory
  /** The same for whoever runs it. */
  readonly keyOperations: KeyOperations
  readonly ownData: OwnData<KeysOwnData>
}

/** What the directory asks of other services. */
export interface KeysPorts {
  readonly mail: Mail
  /** Undefined: accounts have no page to sign in to. */
  readonly sessions?: OwnSessions
  /** Of the data directory, for whoever runs this service in a process of its own. */
  readonly secret?: PortSecret
}

/** Lookups of one client in a minute. */
const REQUESTS_PER_MINUTE = 300
const HOUR_MS = 60 * 60_000
const ACCOUNT_POOL_SIZE = 4
/** How long a stop waits for mails that nobody waits for. */
const STOP_MS_MAX = 2_000

/** Everything that the routes stand on. */
interface Parts extends OwnKeysOptions {
  readonly directory: Directory
  readonly log: KeyLog
  readonly verification: Verification
  readonly tokens: UploadTokens
  readonly statements: Statements
  readonly canonical: Canonical
  readonly submissionKeys: SubmissionKeys
  readonly webKeyService: WebKeyService
  readonly ownData: OwnData<KeysOwnData>
  readonly lookOf: (request: FastifyRequest) => Promise<PageLook>
}

/** Needs the schemas `account` and `keys` migrated. */
export async function createKeysService(
  config: KeysConfig,
  platform: Platform,
  ports: KeysPorts,
): Promise<KeysService> {
  await using stack = new AsyncDisposableStack()
  const { metrics, bind, clock, domains } = platform
  const events = createEvents(platform)
  const onError = (error: unknown): void => events.databaseFailed(error)
  const url = platform.databaseUrl
  const db = stack.use(await openDb({ url, role: 'sealpost_keys', onError }))
  const accountDb = stack.use(
    await openDb({ url, role: 'sealpost_account', poolSize: ACCOUNT_POOL_SIZE, onError }),
  )
  const parts = await createParts(config, platform, ports, { stack, events, db, accountDb })
  const { directory, canonical, submissionKeys } = parts
  const isReady = (): Promise<boolean> =>
    Promise.all([db.query(sql`select 1`), accountDb.query(sql`select 1`)]).then(
      () => true,
      () => false,
    )
  const origin = config.publicOrigin
  const options = { directory, canonical, submissionKeys, events, clock, domains, isReady, origin }
  const limits = { requestsPerMinute: REQUESTS_PER_MINUTE }
  const server = stack.use(await createHttp({ log: platform.log, metrics, title: 'Sealpost HKP', ...limits }))
  await server.app.register(hkp, options)
  await server.app.register(hkpV2, options)
  // The pages have forms, which want HTTPS.
  server.app.get('/', { schema: { hide: true } }, (_request, reply) =>
    reply.redirect(`${config.publicOrigin()}/keys`),
  )
  const { port } = await server.listen({ host: bind, port: config.hkpPort })
  events.listening(port)
  const routes: FastifyPluginAsync = async (app) => {
    await app.register(hkp, options)
    await app.register(hkpV2, options)
    await app.register(wkd, options)
    await app.register(dane, options)
    await app.register(vks, parts)
    await app.register(importRoute, { directory, events, secret: ports.secret })
    await app.register(publicPages, parts)
    await app.register(linkPages, parts)
    await app.register(ownKeys, parts)
    await app.register(statementRoutes, parts)
    await app.register(transparency, parts)
  }
  const held = stack.move()
  return {
    directory,
    keys: keyDirectory(directory, parts.webKeyService),
    keyOperations: keyOperations(directory),
    ownData: parts.ownData,
    http: routes,
    ready: isReady,
    addresses: [{ name: 'Key directory (HKP)', url: `hkp://${domains[0] ?? 'localhost'}:${String(port)}` }],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

async function idleWithin(ms: number, supervisor: Supervisor, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const limit = clock.after(ms, resolve)
  await Promise.race([supervisor.idle(), promise])
  limit[Symbol.dispose]()
}

type Db = Awaited<ReturnType<typeof openDb>>

async function openLog(
  { witnesses = [] }: KeysConfig,
  { dataDir, random, clock, domains }: Platform,
  db: Db,
): Promise<KeyLog> {
  const secrets = await openLogSecrets(dataDir, random)
  const place = `${domains[0] ?? 'localhost'}/tlog`
  return KeyLog.open({ store: postgresLogStore(db), secrets, clock, place, witnesses })
}

interface Ground {
  readonly stack: AsyncDisposableStack
  readonly events: KeysEvents
  readonly db: Db
  readonly accountDb: Db
}

async function createParts(
  config: KeysConfig,
  platform: Platform,
  { mail: port, sessions }: KeysPorts,
  { stack, events, db, accountDb }: Ground,
): Promise<Parts> {
  const { bus, clock, random } = platform
  const { publicOrigin: origin } = config
  const [server = 'localhost'] = platform.domains
  const domains = platform.domains.map((domain) => parseJid(domain).domain)
  const worker = stack.use(new CertificateWorker(clock))
  const log = await openLog(config, platform, db)
  const store = postgresCertificateStore(db, log)
  const links = postgresLinkStore(db)
  const accounts = stack.use(createAccounts({ db: accountDb, bus, clock, random }))
  const find = accountOf(accounts, domains)
  const pools = new AccountPools({ accounts, accountOf: find })
  const directory = new Directory({ store, accountOf: find, pools, worker, clock })
  const onError = (error: unknown): void => events.taskFailed(error)
  const supervisor = new Supervisor(onError)
  stack.defer(() => idleWithin(STOP_MS_MAX, supervisor, clock))
  supervisor.spawn(pools.settle(async (address) => (await directory.ownerOf(address)) !== undefined))
  const following = { accounts, accountOf: find, directory, store, links, bus, clock, supervisor, onError }
  const follower = stack.use(new AccountFollower(following))
  const mail = new KeyMail({ mail: port, worker, clock, random, domain: server })
  const proofs = {
    directory,
    links,
    mail,
    limits: stack.use(new MailLimits(clock, random)),
    clock,
    random,
    supervisor,
    server,
    origin,
    isSuspended: (address: string) => follower.isSuspended(address),
  }
  stack.use(
    clock.every(HOUR_MS, async () => {
      await directory.forgetUnpublished()
      await links.collect(clock.now())
      await log.eraseDue()
    }),
  )
  const reminders = { store, directory, mail, clock, server, origin, onSent: () => events.reminderSent() }
  stack.use(clock.every(HOUR_MS, () => sendReminders(reminders)))
  const key = await links.uploadKey()
  const verification = new Verification(proofs)
  return {
    directory,
    log,
    verification,
    ...createWebKeyService(platform, { proofs, verification, port, worker, follower, stack, events }),
    canonical: new Canonical(proofs),
    tokens: uploadTokens(key, () => clock.now()),
    statements: new Statements({ directory, worker, links, clock, server, key }),
    ownKeys: new OwnKeys(directory),
    ownData: keysOwnData({ accounts, directory, links, now: () => clock.now() }),
    // No app password is for saying which key is one's own.
    passwords: stack.use(createPasswordCheck({ accounts, clock, random, opens: undefined })),
    session: sessions && createSessionCheck({ accounts, sessions }),
    async lookOf(request) {
      const branding = await brandingOfHost(accounts.organisations, request.hostname)
      const { supportUrl = config.supportUrl } = branding
      return { ...branding, supportUrl, language: languageOf(request) }
    },
    defaultDomain: server,
    events,
  }
}

interface WebKeyServiceParts extends Pick<Ground, 'stack' | 'events'> {
  readonly proofs: VerificationOptions
  readonly verification: Verification
  readonly port: Mail
  readonly worker: CertificateWorker
  readonly follower: AccountFollower
}

function createWebKeyService(
  { clock, random, dataDir, domains }: Platform,
  { proofs, verification, port, worker, follower, stack, events }: WebKeyServiceParts,
): Pick<Parts, 'submissionKeys' | 'webKeyService'> {
  const { directory, links, limits } = proofs
  const thread = stack.use(new SubmissionThread(clock))
  const submissionKeys = new SubmissionKeys({ directory, thread, dataDir, random })
  const mails = new SubmissionMails({ mail: port, worker, thread, clock, random })
  const webKeyService = new WebKeyService({
    directory,
    links,
    verification,
    keys: submissionKeys,
    thread,
    mails,
    limits,
    clock,
    random,
    domains,
    isActive: (address) => follower.isActive(address),
    onStep: (step) => events.mailTaken(step),
    onError: (error) => events.taskFailed(error),
  })
  return { submissionKeys, webKeyService }
}
