/** The API service: administration by REST and `ctl`, the pages behind one-time links, and what an account may ask about itself. */
import { createHash } from 'node:crypto'
import { createAccounts, deriveVerifiers, type AccountsDomain } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { FastifyInstance, FastifyPluginAsync } from '@sealpost/http'
import { parseJid } from '@sealpost/jid'
import type { AccountCommands, OwnSessions } from '@sealpost/ports'
import type { Platform, RunningService } from '@sealpost/service'
import type { AccessDomain } from './access/create-access.ts'
import { openAreas, type ApiPorts } from './areas.ts'
import { createAccountCommands } from './commands/account-commands.ts'
import type { Actor, CommandContext, Links } from './commands/command.ts'
import { commands } from './commands/index.ts'
import type { ApiConfig } from './config.ts'
import { createLookUp } from './dns/look-up.ts'
import { Doctor } from './doctor/doctor.ts'
import { createEvents } from './events.ts'
import { openAnswers } from './idempotency/open-answers.ts'
import { postgresIdempotency } from './idempotency/store.postgres.ts'
import type { IdempotencyStore } from './idempotency/store.ts'
import { servicesOf } from './observation.ts'
import { createImporter } from './import-accounts.ts'
import { ownSessions } from './own-sessions.ts'
import { brandedPages } from './pages/branded-pages.ts'
import { registerAbusePage } from './pages/abuse-page.ts'
import { registerContactPage } from './pages/contact-page.ts'
import { registerEnrolmentPages } from './pages/enrolment-pages.ts'
import { registerInvitePages } from './pages/invite-pages.ts'
import { registerPanel } from './pages/panel.ts'
import { registerReferencePage } from './pages/reference-page.ts'
import { registerRightsPages } from './pages/rights-pages.ts'
import { registerSecurityTxt } from './pages/security-txt.ts'
import { registerStatusFeed } from './pages/status-feed.ts'
import { createAuthenticate } from './routes/authenticate.ts'
import { registerBillingEvents } from './routes/billing-events.ts'
import { Conditions } from './routes/conditions.ts'
import { registerCommand } from './routes/register-commands.ts'
import { figureSources } from './statistics/create-statistics.ts'
import { createSignIn } from './sign-in.ts'

export type { ApiPorts } from './areas.ts'
export { readConfig, type ApiConfig } from './config.ts'

export interface ApiService extends RunningService {
  /** What the relay may ask for its users. */
  readonly commands: AccountCommands
  /** What the other services may ask about sessions on the pages of accounts. */
  readonly sessions: OwnSessions
  /** Link of the first administrator, if this start has made it: to be shown to the operator once, never logged. */
  readonly firstInvite: string | undefined
}

const ACCOUNT_POOL_SIZE = 8
const API_POOL_SIZE = 8
const HOUR_MS = 3_600_000
const IDEMPOTENCY_TTL_MS = 24 * HOUR_MS

/** Needs the schemas `account`, `api` and `audit` migrated. */
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
  const links = createLinks(config)
  const domains = platform.domains.map((domain) => parseJid(domain).domain)
  const signIn = stack.use(createSignIn({ accounts, domains, clock, random, events, opens: 'api' }))
  const idempotency = postgresIdempotency(apiDb)
  stack.use(clock.every(HOUR_MS, () => idempotency.eraseExpired(clock.now())))
  const shared = { config, platform, accounts, domains, links, signIn, events }
  const areas = await openAreas({ ...shared, ports, accountDb, apiDb }, idempotency, stack)
  const lookUp = createLookUp(config.dnsServers ?? [])
  const figures = figureSources(platform.metrics, servicesOf(config))
  const { dkim } = ports
  const context: CommandContext = {
    accounts,
    ...ports,
    ...areas.context,
    lookUp,
    doctor: new Doctor({ platform, db: apiDb, domains, lookUp, dkim, figures }),
    clock,
    domains,
    links,
    supportUrl: config.supportUrl,
    claimAccountId: claimer(idempotency, platform),
    deriveVerifiers: (password) => deriveVerifiers(password, random),
    imports: createImporter({ accounts, domains, chat: ports.chatImport, clock, random, events }),
  }
  const { access, audit, joining } = areas.context
  const origin = config.publicOrigin
  const sessions = { sessions: access.sessions, accountSessions: joining.sessions }
  const authenticate = createAuthenticate({ accounts, signIn, ...sessions, origin, events })
  const answers = await openAnswers(platform, apiDb, stack)
  const http: FastifyPluginAsync = async (app) => {
    app.removeContentTypeParser('text/plain') // Fastify's own: no command takes text.
    const options = { context, authenticate, events, origin, conditions: new Conditions(commands), answers }
    for (const command of commands) await registerCommand(app, command, options)
    await registerPages(app, context, config)
    const billing = { secret: config.billingSecret, ...areas.life, accounts, audit, clock, events }
    await registerBillingEvents(app, billing)
  }

  const firstToken = await inviteFirst(access, accounts)
  const held = stack.move()
  return {
    http,
    commands: createAccountCommands({ commands, context, events }),
    sessions: ownSessions({ sessions: joining.sessions, origin }),
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

async function registerPages(
  app: FastifyInstance,
  context: CommandContext,
  { publicOrigin, inBandRegistration = false }: Pick<ApiConfig, 'publicOrigin'> & Partial<ApiConfig>,
): Promise<void> {
  registerStatusFeed(app, { status: context.status, origin: publicOrigin })
  const send = brandedPages(context)
  await registerInvitePages(app, { context, origin: publicOrigin, send })
  await registerEnrolmentPages(app, { context, send, inBandRegistration })
  registerContactPage(app, { context, send, inBandRegistration })
  await registerPanel(app)
  registerRightsPages(app, context.rights, send)
  await registerAbusePage(app, context.abuse, send)
  registerReferencePage(app, commands)
  const [domain = 'localhost'] = context.domains
  registerSecurityTxt(app, { domain, origin: publicOrigin, clock: context.clock })
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
    contact: (address, token) => `${publicOrigin()}/contact/${encodeURIComponent(address)}/${token}`,
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
