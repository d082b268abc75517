/** All of Sealpost in one process: what `npm start` runs. */
import { realpath } from 'node:fs/promises'
import { createAccounts } from '@sealpost/accounts'
import { createApiService } from '@sealpost/api-service'
import type { ApiService } from '@sealpost/api-service'
import { Secret } from '@sealpost/config'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { createHttp, healthRoutes } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import { createKeysService } from '@sealpost/keys-service'
import { createLog } from '@sealpost/log'
import type { Log } from '@sealpost/log'
import { type AccountCommands, type KeyDirectory, type OwnSessions, PortError } from '@sealpost/ports'
import { createClock, systemRandom } from '@sealpost/runtime'
import type { Clock, Random } from '@sealpost/runtime'
import { createPlatform, migrateAll, originOf } from '@sealpost/service'
import type { Platform, RunningService } from '@sealpost/service'
import { createSmtpService } from '@sealpost/smtp-service'
import { createXmppService } from '@sealpost/xmpp-service'
import { runBackup } from './backup/backups.ts'
import { isUpgrade } from './backup/before-upgrade.ts'
import { type DailyOptions, keepBackups } from './backup/daily.ts'
import { openArchive, type OpenArchive } from './backup/open-archive.ts'
import { watchLog } from './backup/watch-log.ts'
import type { NetworkConfig } from './config.ts'
import { openDataDirectory } from './data-directory/data-directory.ts'
import type { DataDirectory } from './data-directory/data-directory.ts'
import { ensureCertificate, keepCertificate } from './local-ca/local-ca.ts'
import { startEmbeddedPostgres } from './postgres/embedded-postgres.ts'

export interface Address {
  readonly name: string
  readonly url: string
}

/** Where clients that run on this machine reach the plain HTTP listener: it is for nobody else. */
const LOOPBACK = '127.0.0.1'

/** Everything that runs, until disposed: a clean stop in reverse order of the start. */
export class Network implements AsyncDisposable {
  readonly addresses: readonly Address[]
  /** Link for the first administrator, if this start made it; a secret. */
  readonly firstInvite: string | undefined
  /** Holds the password of the database. */
  readonly databaseUrl: string
  readonly #platform: Platform
  readonly #parts: AsyncDisposableStack

  private constructor(
    parts: AsyncDisposableStack,
    running: { platform: Platform; addresses: readonly Address[]; firstInvite: string | undefined },
  ) {
    this.#parts = parts
    this.#platform = running.platform
    this.addresses = running.addresses
    this.firstInvite = running.firstInvite
    this.databaseUrl = running.platform.databaseUrl
  }

  /** Resolves when every listener answers. Throws `DATA_DIR_HELD` if another process has the data directory. */
  static async create(config: NetworkConfig): Promise<Network> {
    await using stack = new AsyncDisposableStack()
    const log = createLog({ level: config.platform.logLevel })
    const random = systemRandom
    const clock = createClock({
      onError: (error) => log.error('periodic_task_failed', { code: errorCode(error) }),
    })
    const base: Base = { config, log, clock, random, stack }
    const directory = await openDataDirectory(config.platform.dataDir)
    const archive = await openArchive(config.backup)
    const [databaseUrl] = await Promise.all([
      startDatabase(base, directory, archive),
      startCertificates(base, directory),
    ])
    const backups = await openBackups(base, databaseUrl, archive)
    await backUpBefore(base, databaseUrl, backups)
    await migrateAll(databaseUrl)
    const platform = stack.use(
      await createPlatform({ ...config.platform, databaseUrl: Secret.of(databaseUrl) }),
    )
    await startBackups(base, platform, backups)
    const { services, api, origin } = await startServices(base, platform)
    const web = await startHttp(base, { platform, services, directory })
    origin.resolve(web.origin)
    const addresses = [
      ...web.addresses,
      ...services.filter((one) => one !== api).flatMap((one) => one.addresses),
    ]
    return new Network(stack.move(), { platform, addresses, firstInvite: api.firstInvite })
  }

  /** Makes those of the accounts that do not exist yet; the answer has one password for each of these, shown nowhere else. */
  async seed(names: readonly string[]): Promise<{ jid: string; password: string }[]> {
    const { bus, clock, random, databaseUrl, domains } = this.#platform
    await using db = await openDb({ url: databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    const made: { jid: string; password: string }[] = []
    for (const name of names) {
      const jid = parseJid(`${name}@${domains[0] ?? 'localhost'}`)
      if ((await accounts.find(jid)) !== undefined) continue
      const password = random.token(12)
      await accounts.create(jid, password)
      made.push({ jid: jid.toString(), password })
    }
    return made
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync()
  }
}

/** What the steps of a start share. */
interface Base {
  readonly config: NetworkConfig
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** Takes what is to be disposed. */
  readonly stack: AsyncDisposableStack
}

/** The given Postgres, or the embedded one. */
async function startDatabase(
  { config, log, clock, random, stack }: Base,
  directory: DataDirectory,
  archive: OpenArchive | undefined,
): Promise<string> {
  const given = config.platform.databaseUrl
  if (given !== undefined) return given.reveal()
  const postgres = await startEmbeddedPostgres({
    settings: archive?.settings ?? {},
    directory: directory.postgres,
    socketDirectory: directory.run,
    clock,
    random,
    onCrash: () => log.error('postgres_ended_unexpectedly'),
  })
  stack.use(postgres)
  return postgres.url
}

type Backups = Omit<DailyOptions, 'log' | 'metrics' | 'clock' | 'random' | 'everyMs'>

/** From here on the log comes into the archive. */
async function openBackups(
  { config, log, clock, stack }: Base,
  databaseUrl: string,
  opened: OpenArchive | undefined,
): Promise<Backups | undefined> {
  if (opened === undefined) return undefined
  const parts = { archive: opened.archive, config: config.backup, databaseUrl }
  const { isLogFailing, nextSegment } = stack.use(await watchLog({ ...parts, clock, log }))
  return { ...parts, isLogFailing, nextSegment, dataDir: await realpath(config.platform.dataDir) }
}

async function backUpBefore(
  { clock, random }: Base,
  databaseUrl: string,
  backups: Backups | undefined,
): Promise<void> {
  if (backups === undefined || !(await isUpgrade(databaseUrl))) return
  await runBackup({ ...backups, clock, random, actor: { kind: 'system' } })
}

async function startBackups(
  { log, clock, random, stack }: Base,
  { metrics }: Platform,
  backups: Backups | undefined,
): Promise<void> {
  if (backups !== undefined) stack.use(await keepBackups({ ...backups, log, metrics, clock, random }))
}

/** The local CA, unless the operator brings a certificate. */
async function startCertificates(
  { config, log, clock, random, stack }: Base,
  directory: DataDirectory,
): Promise<void> {
  if (config.platform.tlsGiven) return
  const options = { directory: directory.tls, domains: config.platform.domains, clock, random }
  await ensureCertificate(options)
  stack.use(keepCertificate(options, () => log.info('local_certificate_renewed')))
}

/** Links name the HTTPS port, which is known after listening: `origin` takes it. */
interface Services {
  readonly services: readonly RunningService[]
  readonly api: ApiService
  readonly origin: { resolve(origin: string): void }
}

async function startServices({ config, stack }: Base, platform: Platform): Promise<Services> {
  let known = config.api.publicOrigin()
  // The relay needs what the API offers, and the API the relay.
  let commands: AccountCommands | undefined
  const offered: AccountCommands = {
    offered: async (accountId) => (await commands?.offered(accountId)) ?? [],
    form: async (accountId, name) => commands?.form(accountId, name),
    run: async (accountId, name, values) => commands?.run(accountId, name, values),
    administer: (asked) => commands?.administer(asked) ?? Promise.reject(new PortError('PORT_UNREACHABLE')),
  }
  const contacts = { ...config.xmpp.contacts, publicOrigin: () => known }
  const xmpp = stack.use(
    await createXmppService({ ...config.xmpp, contacts }, platform, { commands: offered }),
  )
  const { relay, chatImport } = xmpp
  // The two need each other: the relay asks for keys only when mail comes in, and brings mail.
  let directory: KeyDirectory = {
    find: () => Promise.reject(new PortError('PORT_UNREACHABLE')),
    submit: () => Promise.reject(new PortError('PORT_UNREACHABLE')),
  }
  const lookup: KeyDirectory = {
    find: (address) => directory.find(address),
    submit: (submitted) => directory.submit(submitted),
  }
  // Sessions are kept by the API, and shown to all.
  let kept: OwnSessions = { judge: () => Promise.reject(new PortError('PORT_UNREACHABLE')) }
  const sessions: OwnSessions = { judge: (shown) => kept.judge(shown) }
  const smtp = stack.use(
    await createSmtpService({ ...config.smtp, publicOrigin: () => known }, platform, {
      keys: lookup,
      sessions,
    }),
  )
  const { mail, mailOperations, dkim, desk, reports } = smtp
  const keys = stack.use(
    await createKeysService({ ...config.keys, publicOrigin: () => known }, platform, { mail, sessions }),
  )
  directory = keys.keys
  const ownData = { relay: xmpp.ownData, keys: keys.ownData, mail: smtp.ownData }
  const { keyOperations } = keys
  const ports = {
    relay,
    mail: mailOperations,
    letters: mail,
    dkim,
    desk,
    reports,
    keys: keyOperations,
    ownData,
    selfAudits: { messages: xmpp.selfAudits, mails: smtp.selfAudits },
    chatImport,
  }
  const api = stack.use(await createApiService({ ...config.api, publicOrigin: () => known }, platform, ports))
  commands = api.commands
  kept = api.sessions
  const resolve = (origin: string): void => {
    known = origin
  }
  return { services: [api, xmpp, keys, smtp], api, origin: { resolve } }
}

async function startHttp(
  { config, log, stack }: Base,
  {
    platform,
    services,
    directory,
  }: { platform: Platform; services: readonly RunningService[]; directory: DataDirectory },
): Promise<{ addresses: Address[]; origin: string }> {
  const { metrics, tls, bind, domains } = platform
  const http = stack.use(await createHttp({ log, metrics, title: 'Sealpost', trustProxy: true }))
  const ready = async (): Promise<boolean> =>
    (await Promise.all(services.map((service) => service.ready()))).every(Boolean)
  await http.app.register(healthRoutes, { ready, metrics })
  for (const service of services) await http.app.register(service.http)
  await http.listen({ socketPath: directory.controlSocket })
  const plain = await http.listen({ host: LOOPBACK, port: config.httpPort })
  const secure = await http.listen({ host: bind, port: config.httpsPort, tls })
  const origin = originOf(domains[0] ?? 'localhost', secure.port)
  const addresses = [
    { name: 'API', url: `${origin}/v1/openapi.json` },
    { name: 'HTTP on this machine only', url: `http://${LOOPBACK}:${String(plain.port)}` },
    { name: 'Control socket', url: `unix:${directory.controlSocket}` },
  ]
  return { addresses, origin }
}
