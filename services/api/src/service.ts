/** The API service: administration by REST and `ctl`, the pages behind one-time links, and what an account may ask about itself. */
import { createHash } from 'node:crypto'
import {
  createAccounts,
  deriveVerifiers,
  type AccountsDomain,
  type ErasureOptions,
  runErasure,
} from '@sealpost/accounts'
import { createAuditLog, postgresAuditStore } from '@sealpost/audit'
import { openDb, sql } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { FastifyInstance, FastifyPluginAsync } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import type {
  AccountCommands,
  DkimOperations,
  Mail,
  MailDesk,
  MailOperations,
  MailReports,
  OwnDataPorts,
  Relay,
} from '@sealpost/ports'
import type { Platform, RunningService } from '@sealpost/service'
import { createAccess, type AccessDomain } from './access/create-access.ts'
import { openAbuseDesk } from './abuse/open-abuse-desk.ts'
import { openAuditHeads } from './audit-heads.ts'
import { createAccountCommands } from './commands/account-commands.ts'
import type { Actor, CommandContext, Links } from './commands/command.ts'
import { commands } from './commands/index.ts'
import type { ApiConfig } from './config.ts'
import { type ApiEvents, createEvents } from './events.ts'
import { openAnswers } from './idempotency/open-answers.ts'
import { postgresIdempotency } from './idempotency/store.postgres.ts'
import type { IdempotencyStore } from './idempotency/store.ts'
import { createImporter } from './import-csv.ts'
import { createJoining } from './joining/create-joining.ts'
import { registerAbusePage } from './pages/abuse-page.ts'
import { openLifecycle } from './lifecycle/open-lifecycle.ts'
import { createLetters } from './letters/letters.ts'
import { createObservation } from './observation.ts'
import { createOwnData } from './own-data/own-data.ts'
import { registerEnrolmentPages } from './pages/enrolment-pages.ts'
import { createLetters } from './letters/letters.ts'
import { registerEnrolmentPages } from './pages/enrolment-pages.ts'
import { createOwnData } from './own-data/own-data.ts'
import { registerInvitePages } from './pages/invite-pages.ts'
import { registerStatusFeed } from './pages/status-feed.ts'
import { registerPanel } from './pages/panel.ts'
import { registerRightsPages } from './pages/rights-pages.ts'
import { createRights } from './rights.ts'
import { registerReferencePage } from './pages/reference-page.ts'
import { createAuthenticate } from './routes/authenticate.ts'
import { Conditions } from './routes/conditions.ts'
import { registerBillingEvents } from './routes/billing-events.ts'
import { registerCommand } from './routes/register-commands.ts'
import { createSignIn } from './sign-in.ts'
import { openWebhooks } from './webhooks/open-webhooks.ts'

export { readConfig, type ApiConfig } from './config.ts'

export interface ApiService extends RunningService {
  /** What the relay may ask for its users. */
  readonly commands: AccountCommands
  /** Link of the first administrator, if this start has made it: to be shown to the operator once, never logged. */
  readonly firstInvite: string | undefined
}

const ACCOUNT_POOL_SIZE = 8
const API_POOL_SIZE = 8
const HOUR_MS = 3_600_000
const IDEMPOTENCY_TTL_MS = 24 * HOUR_MS

/** What the API asks of other services. */
export interface ApiPorts {
  readonly relay: Relay
  readonly mail: MailOperations
  /** Takes letters of the server. */
  readonly letters: Mail
  readonly dkim: DkimOperations
  readonly desk: MailDesk
  readonly reports: MailReports
  readonly ownData: OwnDataPorts
}

/** Needs the schemas `account` and `api` migrated. */
export async function createApiService(
  config: Pick<ApiConfig, 'publicOrigin' | 'webhookNetworks'> & Partial<ApiConfig>,
  platform: Platform,
  ports: ApiPorts,
): Promise<ApiService> {
  await using stack = new AsyncDisposableStack()
  const { bus, clock, random } = platform
  const events = createEvents(platform.log, platform.metrics)
  const { accountDb, apiDb } = await openDatabases(platform, stack)
  const accounts = stack.use(createAccounts({ db: accountDb, bus, clock, random }))
  const audit = createAuditLog({ store: postgresAuditStore(apiDb), clock })
  const auditHeads = openAuditHeads(platform.dataDir)
  stack.use(clock.every(HOUR_MS, () => auditHeads.note(audit)))
  const origin = config.publicOrigin
  const access = stack.use(await createAccess({ ...platform, db: apiDb, accounts, origin, events }))
  const letters = createLetters({ mail: ports.letters, platform })
  const privateNetworks = config.webhookNetworks
  const hooks = stack.use(
    await openWebhooks({ platform, apiDb, accountDb, privateNetworks, letters, audit, events }),
  )
  const { supportUrl } = config
  const life = stack.use(
    openLifecycle({
      platform,
      db: apiDb,
      accounts,
      audit,
      letters,
      webhooks: hooks.webhooks,
      supportUrl,
      events,
    }),
  )
  const idempotency = postgresIdempotency(apiDb)
  stack.use(
    keepErasing([idempotency, hooks.store, life.store], { ledger: accounts.erasure, clock, bus, events }),
  )
  const observation = createObservation({ config, platform, db: apiDb, accounts, events }, stack)
  const owners = [idempotency, hooks.store, observation.status.claims]
  stack.use(keepErasing(owners, { ledger: accounts.erasure, clock, bus, events }))
  stack.use(clock.every(HOUR_MS, () => idempotency.eraseExpired(clock.now())))

  const links = createLinks(config)
  const domains = platform.domains.map((domain) => parseJid(domain).domain)
  const signIn = stack.use(createSignIn({ accounts, domains, clock, random, events }))
  const forRights = { db: apiDb, accounts, ports, letters, signIn, platform, links, origin, events }
  const rights = stack.use(await createRights(forRights))
  const idempotency = postgresIdempotency(apiDb)
  stack.use(keepErasing([idempotency, hooks.store, rights], { ledger: accounts.erasure, clock, bus, events }))
  const domains = platform.domains.map((domain) => parseJid(domain).domain)
  const { webhooks } = hooks
  const parts = { accounts, mails: ports.desk, letters, webhooks, domains }
  const abuse = await openAbuseDesk(platform, apiDb, parts, stack)
  const idempotency = postgresIdempotency(apiDb)
  stack.use(keepErasing([idempotency, hooks.store, abuse], { ledger: accounts.erasure, clock, bus, events }))
  stack.use(clock.every(HOUR_MS, () => idempotency.eraseExpired(clock.now())))
  const answers = await openAnswers(platform, apiDb, stack)

  const statistics = stack.use(startStatistics(config, { db: apiDb, accounts, metrics, clock }, events))

  const links = createLinks(config)
  const context: CommandContext = {
    accounts,
    access,
    audit,
    auditHeads,
    ...ports,
    letters,
    webhooks,
    abuse,
    joining: await createJoining({ accounts, links, dataDir: platform.dataDir, clock, random }),
    ...observation,
    clock,
    rights,
    domains,
    links,
    lifecycle: life.lifecycle,
    supportUrl,
    claimAccountId: claimer(idempotency, platform),
    deriveVerifiers: (password) => deriveVerifiers(password, random),
    importCsv: createImporter({ accounts, domains, clock, events }),
  }
  const signIn = stack.use(createSignIn({ accounts, domains, clock, random, events, opens: 'api' }))
  const { sessions } = access
  const authenticate = createAuthenticate({ accounts, signIn, sessions, origin, events })
  const http: FastifyPluginAsync = async (app) => {
    const conditions = new Conditions(commands)
    const options = { context, authenticate, events, origin, conditions, answers }
    for (const command of commands) await registerCommand(app, command, options)
    await registerPages(app, context, config)
    await registerBillingEvents(app, {
      secret: config.billingSecret,
      ...life,
      accounts,
      audit,
      clock,
      events,
    })
  }

  const firstToken = await inviteFirst(access, accounts)
  const held = stack.move()
  return {
    http,
    commands: createAccountCommands({ commands, context, events }),
    addresses: [{ name: 'API', url: `${config.publicOrigin()}/v1/openapi.json` }],
    get firstInvite() {
      return firstToken === undefined ? undefined : links.adminInvite(firstToken)
    },
    ready: async () =>
      (await Promise.all([accountDb.query(sql`select 1`), apiDb.query(sql`select 1`)])).length > 0,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Token of the invite of the first administrator, if this start has made it. */
async function inviteFirst({ administrators }: AccessDomain, { invites }: AccountsDomain) {
  return (await administrators.anybody()) ? undefined : (await invites.createFirstAdmin())?.token
}

function startStatistics(
  { relayUrl: relay, mailUrl: mail, keysUrl: keys }: Partial<ApiConfig>,
  parts: Omit<Parameters<typeof createStatistics>[0], 'services' | 'onError'>,
  events: Pick<ApiEvents, 'statisticsFailed'>,
): ReturnType<typeof createStatistics> {
  const services = { relay, mail, keys }
  return createStatistics({ ...parts, services, onError: (error) => events.statisticsFailed(error) })
}

async function registerPages(
  app: FastifyInstance,
  context: CommandContext,
  { publicOrigin }: Pick<ApiConfig, 'publicOrigin'>,
): Promise<void> {
  registerStatusFeed(app, { status: context.status, origin: publicOrigin })
  await registerInvitePages(app, { context, origin: publicOrigin })
  await registerEnrolmentPages(app, context)
  await registerPanel(app)
  registerRightsPages(app, context.rights)
  await registerAbusePage(app, context.abuse)
  registerReferencePage(app, commands)
}

/** Each owner erases its own of an account. */
function keepErasing(
  owners: readonly { eraseAccount(accountId: string): Promise<void> }[],
  { events, ...parts }: Pick<ErasureOptions, 'ledger' | 'clock' | 'bus'> & { readonly events: ApiEvents },
): AsyncDisposable {
  return runErasure({
    ...parts,
    owner: 'api',
    erase: async (accountId) => {
      for (const owner of owners) await owner.eraseAccount(accountId)
    },
    onError: (error) => events.erasureFailed(errorCode(error)),
  })
}

/** Both are closed with the stack. */
async function openDatabases({ databaseUrl: url, log }: Platform, stack: AsyncDisposableStack) {
  const onError = (error: Error) =>
    log.warn('database_connection_failed', { code: errorCode(error), service: 'api' })
  const open = async (role: string, poolSize: number) =>
    stack.use(await openDb({ url, role, poolSize, onError }))
  return {
    accountDb: await open('sealpost_account', ACCOUNT_POOL_SIZE),
    apiDb: await open('sealpost_api', API_POOL_SIZE),
  }
}

function createLinks({ publicOrigin }: Pick<ApiConfig, 'publicOrigin'>): Links {
  return {
    adminInvite: (token) => `${publicOrigin()}/admin/invite/${token}`,
    enrolment: (token) => `${publicOrigin()}/enrol/${token}`,
    account: () => `${publicOrigin()}/account`,
  }
}

/** One id for all requests of one actor with one Idempotency-Key within a day. */
function claimer(store: IdempotencyStore, { clock, random }: Platform): CommandContext['claimAccountId'] {
  return async (actor: Actor, key) => {
    if (key === undefined) return undefined
    const who = 'id' in actor ? actor.id : actor.kind
    const keyHash = createHash('sha256').update(`${who}\0${key}`).digest()
    const now = clock.now()
    return store.claim(keyHash, random.uuid(), now + IDEMPOTENCY_TTL_MS, now)
  }
}
