/** The mail relay: takes mail from users and from other servers, keeps it until it is delivered, and says what became of it. */
import { join } from 'node:path'
import { domainToASCII } from 'node:url'
import { createAccounts, createPasswordCheck, createSessionCheck } from '@sealpost/accounts'
import { type Db, openDb, sql } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { SelfAudit } from '@sealpost/forensics'
import type {
  DkimOperations,
  KeyDirectory,
  Mail,
  MailDesk,
  MailOperations,
  MailOwnData,
  MailReports,
  OwnData,
  OwnSessions,
  SelfAudits,
} from '@sealpost/ports'
import { Supervisor } from '@sealpost/runtime'
import type { Platform, RunningService } from '@sealpost/service'
import { Desk } from './abuse/desk.ts'
import type { SmtpConfig } from './config.ts'
import { createResolver } from './dns/dns-resolver.ts'
import type { Resolver } from './dns/resolver.ts'
import { systemServers } from './dns/system-servers.ts'
import { createEvents, type SmtpEvents } from './events.ts'
import { DESK } from './mailbox/mailbox.ts'
import { openLists } from './lists/open-lists.ts'
import { openMailFlow } from './mail-flow.ts'
import { openStages } from './open-stages.ts'
import { mailOwnData } from './own-data.ts'
import { ownMail } from './own-mail.ts'
import { openPgp } from './pgp/open-pgp.ts'
import type { MailQueue } from './queue/mail-queue.ts'
import type { MailStore } from './queue/mail-store.ts'
import { openReception, type Reception, type ReceptionOptions } from './reception/reception.ts'
import { openReceivedReports } from './reports/received-reports.ts'
import { ReportCollector } from './reports/report-collector.ts'
import { mailboxRoutes } from './routes/mailbox.ts'
import { openScreening } from './screening.ts'
import { canaries } from './self-audit/canaries.ts'
import { DkimKeys } from './signing/dkim-keys.ts'
import { createDkimSigner } from './signing/dkim-signer.ts'

export interface SmtpService extends RunningService {
  /** What other services of this process may ask of the mail relay. */
  readonly mail: Mail
  readonly mailOperations: MailOperations
  readonly dkim: DkimOperations
  readonly desk: MailDesk
  readonly reports: MailReports
  readonly ownData: OwnData<MailOwnData>
  readonly selfAudits: SelfAudits
}

/** What the relay asks of other services. */
export interface SmtpPorts {
  readonly keys: KeyDirectory
  /** Undefined: accounts have no page to sign in to. */
  readonly sessions?: OwnSessions
}

/** Sign-ins need one connection each for a moment. */
const POOL_SIZE = 4

/** Needs the schemas `account` and `smtp` migrated. */
export function createSmtpService(
  config: SmtpConfig,
  platform: Platform,
  ports: SmtpPorts,
): Promise<SmtpService> {
  return open(config, withALabels(platform), ports)
}

async function open(
  config: SmtpConfig,
  platform: Platform,
  { keys, sessions }: SmtpPorts,
): Promise<SmtpService> {
  await using stack = new AsyncDisposableStack()
  const { log, metrics, bus, clock, random, domains } = platform
  const events = createEvents({ log, metrics })
  const db = stack.use(await openAccountDb(platform))
  const accounts = stack.use(createAccounts({ db, bus, clock, random }))
  const resolver = openResolver(config, platform, events)
  // The relay's own mails are written when there is something to tell: by then the flow runs.
  const queue = (): MailQueue => flow.queue
  const host = domains[0] ?? 'localhost'
  const mail = ownMail({ queue, host, clock, random })
  const collector = openCollector(config, platform, { resolver, events, stack })
  const screening = stack.use(
    await openScreening(config.screening, platform, { accounts, resolver, mail, collector, events }),
  )
  const dkim = stack.use(openDkimKeys(platform, resolver))
  const signer = createDkimSigner({ keys: dkim, clock })
  const signIn = {
    passwords: stack.use(createPasswordCheck({ accounts, clock, random, opens: 'mail' })),
    session: sessions && createSessionCheck({ accounts, sessions }),
  }
  const pgp = stack.use(await openPgp(config, platform, { accounts, signIn, keys, resolver, events }))
  const { lists, routes } = stack.use(await openLists(config, platform, { accounts, signIn, mail, events }))
  const { arrival } = pgp
  const erase = async (accountId: string): Promise<void> => {
    await pgp.erase(accountId)
    await lists.erase(accountId)
  }
  const served = { accounts, resolver, signer, arrival, keys, erase, collector, events }
  const flow = stack.use(await openMailFlow(config, platform, { ...served, bounces: screening.bounces }))
  const { mailbox } = flow
  const selfAudits = stack.use(await openSelfAudit(config, platform, flow.store))
  const reports = stack.use(await openReceivedReports(platform, events))
  const { stages } = stack.use(
    await openStages(config, platform, {
      accounts,
      pgp: pgp.stage,
      isFull: flow.isFull,
      isDeskFull: () => mailbox.isFull(DESK, 0),
      lists,
      reports: reports.stage,
      screening,
      events,
    }),
  )
  const { ports } = stack.use(
    await openReception({ ...listening(config, platform), accounts, events, queue: flow.queue, stages }),
  )
  const held = stack.move()
  return {
    mail: flow.mail,
    mailOperations: flow.queue,
    dkim,
    desk: new Desk(mailbox, screening.block),
    reports,
    selfAudits,
    ownData: mailOwnData({ queue: flow.queue, mailbox, lists, settingsOf: pgp.settingsOf }),
    http: async (app) => {
      await app.register(mailboxRoutes, { mailbox, ...signIn, defaultDomain: host })
      await app.register(pgp.routes)
      await app.register(routes)
    },
    ready: async () => flow.available() && (await db.query(sql`select 1`)).length === 1,
    addresses: addressesOf(host, ports),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Bodies of canaries are in the spool, too. */
function openSelfAudit(
  { selfAuditDirs, spoolDir, keyringDir }: SmtpConfig,
  { dataDir, clock, random, log, metrics }: Platform,
  store: MailStore,
): Promise<SelfAudit> {
  return SelfAudit.open({
    plant: canaries({ store, random }),
    keyring: 'smtp',
    directories: selfAuditDirs.length === 0 ? [] : [...selfAuditDirs, spoolDir],
    keyringFile: join(keyringDir, 'keyring.slots'),
    recordFile: join(dataDir, 'self-audit-mail.json'),
    clock,
    log,
    metrics,
  })
}

function openAccountDb({ log, databaseUrl: url }: Platform): Promise<Db> {
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  return openDb({ url, role: 'sealpost_account', poolSize: POOL_SIZE, onError })
}

/** What reception has of the configuration and the process. */
function listening(
  config: SmtpConfig,
  { domains, tls, bus, clock, random, bind: host }: Platform,
): Omit<ReceptionOptions, 'accounts' | 'events' | 'queue' | 'stages'> {
  const { trustedNetworks: trusted, proxyNetworks: proxies } = config
  const ports = { mx: config.mxPort, submission: config.submissionPort, submissions: config.submissionsPort }
  return { host, ports, trusted, proxies, domains, tls, bus, clock, random }
}

function openResolver(
  { dnsServers }: SmtpConfig,
  { clock, random }: Platform,
  events: Pick<SmtpEvents, 'dnsAnswered'>,
): Resolver {
  const servers = dnsServers ?? systemServers()
  return createResolver({ servers, clock, random, onAnswer: (...answer) => events.dnsAnswered(...answer) })
}

function openCollector(
  { reports: kinds }: SmtpConfig,
  { domains, clock, random }: Platform,
  { resolver, events, stack }: { resolver: Resolver; events: SmtpEvents; stack: AsyncDisposableStack },
): ReportCollector {
  const supervisor = new Supervisor((error) => events.stageFailed('reports', errorCode(error)))
  stack.defer(() => supervisor.idle())
  return new ReportCollector({ kinds, resolver, domains, clock, random, supervisor, events })
}

function openDkimKeys({ dataDir, domains, clock, random }: Platform, resolver: Resolver): DkimKeys {
  return new DkimKeys({ dataDir, domains, resolver, clock, random })
}

function addressesOf(host: string, ports: Reception['ports']): SmtpService['addresses'] {
  return [
    { name: 'Mail exchanger', url: `smtp://${host}:${String(ports.mx)}` },
    { name: 'Mail submission (STARTTLS)', url: `smtp://${host}:${String(ports.submission)}` },
    { name: 'Mail submission (TLS)', url: `smtps://${host}:${String(ports.submissions)}` },
  ]
}

/** RFC 5890 §2.3.2.1: however our domains are configured, mail has them in ASCII. */
function withALabels(platform: Platform): Platform {
  return { ...platform, domains: platform.domains.map((domain) => domainToASCII(domain) || domain) }
}
