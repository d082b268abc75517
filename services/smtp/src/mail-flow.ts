/** Everything behind reception, put together: store, queue, dispatcher, carriers, reports, mailboxes. */
import { type AccountsDomain, runErasure } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { type KeyDirectory, type Mail, PortError } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import type { BounceWatch } from './abuse/bounce-watch.ts'
import type { SmtpConfig } from './config.ts'
import type { KnownPolicies } from './delivery/known-policies.ts'
import { RemoteCarrier } from './delivery/remote-carrier.ts'
import { SealedPolicies } from './delivery/sealed-policies.ts'
import { isPublicAddress } from './dns/public-address.ts'
import type { Resolver } from './dns/resolver.ts'
import type { SmtpEvents } from './events.ts'
import { type Arrival, unchanged } from './mailbox/arrival.ts'
import { sparingConfirmations } from './mailbox/key-submission.ts'
import { FullMailboxes } from './mailbox/full-mailboxes.ts'
import { LOCAL, LocalCarrier } from './mailbox/local-carrier.ts'
import { DESK, Mailbox } from './mailbox/mailbox.ts'
import { eraseMailboxes, isServable, kick } from './mailbox/doveadm.ts'
import { MailboxRetention } from './mailbox/mailbox-retention.ts'
import { MailboxSessions } from './mailbox/mailbox-sessions.ts'
import { EVERYBODY, roomByPlan } from './mailbox/room.ts'
import { postPublic, type PostPublic } from './pgp/fetch-public.ts'
import { queuedMail } from './ports/queued-mail.ts'
import type { Carrier } from './queue/carrier.ts'
import { Dispatcher } from './queue/dispatcher.ts'
import { followAccounts } from './queue/account-follower.ts'
import type { MailStore } from './queue/mail-store.ts'
import { openMailStore } from './queue/open-mail-store.ts'
import { Queue } from './queue/queue.ts'
import { createReporter } from './reports/delivery-report.ts'
import { openReportSending } from './reports/open-report-sending.ts'
import type { ReportCollector } from './reports/report-collector.ts'
import type { ReportSender } from './reports/report-sender.ts'
import type { Signer } from './signing/signer.ts'

const MEASURE_MS = 30_000

export interface MailFlow extends AsyncDisposable {
  readonly queue: Queue
  /** What it is kept in: for canaries. */
  readonly store: MailStore
  readonly mailbox: Mailbox
  /** Whether an account's mailbox has no room for another mail, as far as is known. */
  readonly isFull: (accountId: string) => Promise<boolean>
  /** Sends what was counted for other domains; by itself when it is time. */
  readonly reports: Pick<ReportSender, 'send'>
  /** For other services. */
  readonly mail: Mail
  /** Whether mails can be kept now. */
  readonly available: () => boolean
}

export interface MailFlowOptions {
  readonly accounts: AccountsDomain
  readonly resolver: Resolver
  readonly signer: Signer
  /** Hears of every attempt. */
  readonly bounces: Pick<BounceWatch, 'watch'>
  readonly arrival?: Arrival
  /** Takes the mail to its own addresses; away unless given. */
  readonly keys?: Pick<KeyDirectory, 'submit'>
  /** Counts for reports. */
  readonly collector: ReportCollector
  /** Takes reports by HTTPS to public servers, unless told. */
  readonly post?: PostPublic
  /** What else is kept of a terminated account here; repeatable. */
  readonly erase?: (accountId: string) => Promise<void>
  readonly events: SmtpEvents
}

const POOL_SIZE = 8

export async function openMailFlow(
  config: SmtpConfig,
  platform: Platform,
  options: MailFlowOptions,
): Promise<MailFlow> {
  await using stack = new AsyncDisposableStack()
  const { clock, random, domains, bus } = platform
  const { accounts, events } = options
  const fenced = Promise.withResolvers<void>()
  const store = await openStore(config, platform, stack, fenced.resolve)
  const mailbox = new Mailbox(store, async (account) =>
    account === DESK ? EVERYBODY : await roomByPlan(accounts.plans, account),
  )
  const full = new FullMailboxes(clock)
  const onError = (error: unknown): void => events.queueTroubled(errorCode(error))
  const { known: policies } = stack.use(
    await SealedPolicies.open({ store, clock, onError: (code) => events.queueTroubled(code) }),
  )
  const parts = { ...options, mailbox, full, policies, stack }
  const carrier = options.bounces.watch(createCarrier(config, platform, parts))
  const host = domains[0] ?? 'localhost'
  const now = (): number => clock.now()
  const reporter = createReporter({ queue: () => queue, host, random, now })
  const { expiryMs, retryPausesMs } = config
  const dispatcher = stack.use(
    new Dispatcher({ store, carrier, reporter, clock, random, expiryMs, retryPausesMs, events }),
  )
  const queue = new Queue({ store, dispatcher, now })
  stack.use(clock.every(MEASURE_MS, () => events.queueMeasured(queue.measure())))
  const reports = stack.use(await openReports(platform, { ...options, store, queue }))
  const notEnded = (error: unknown): void => events.mailboxSessionsStay(errorCode(error))
  const notExpunged = (error: unknown): void => events.mailboxRetentionFailed(errorCode(error))
  const stopping = new AbortController()
  const eraseAtServer = serverEraser(config, { accounts, clock, signal: stopping.signal })
  const erase = async (accountId: string): Promise<void> => {
    await options.erase?.(accountId)
    await queue.eraseAccount(accountId)
    await eraseAtServer(accountId)
  }
  stack.use(runErasure({ ledger: accounts.erasure, owner: 'smtp', erase, clock, bus, onError }))
  stack.defer(() => stopping.abort())
  stack.use(followAccounts({ accounts, queue, bus, onError }))
  const { doveadm } = config
  if (doveadm !== undefined) {
    stack.use(new MailboxSessions({ accounts, bus, domains, clock, doveadm, onError: notEnded }))
    stack.use(new MailboxRetention({ accounts, clock, random, doveadm, onError: notExpunged }))
  }
  void fenced.promise.then(() => dispatcher[Symbol.asyncDispose]())
  dispatcher.start()
  const held = stack.move()
  return {
    queue,
    store,
    mailbox,
    isFull: async (accountId) =>
      config.lmtp === undefined ? await mailbox.isFull(accountId, 0) : full.has(accountId),
    reports,
    mail: queuedMail({ queue, events }),
    available: () => store.available,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** Erases an account's mailboxes at the mailbox server, if there is one; sessions, which could bring something back, end before. */
function serverEraser(
  { doveadm }: SmtpConfig,
  { accounts, clock, signal }: { accounts: AccountsDomain; clock: Clock; signal: AbortSignal },
): (accountId: string) => Promise<void> {
  return async (accountId) => {
    const user = (await accounts.findById(accountId))?.jid.toString()
    if (doveadm === undefined || user === undefined || !isServable(user)) return
    await kick(doveadm, user, clock)
    await eraseMailboxes(doveadm, { user: accountId, clock, signal })
  }
}

/** The mails that are kept, over a pool of their own. */
async function openStore(
  { keyringDir, spoolDir }: SmtpConfig,
  { log, metrics, clock, random, databaseUrl: url }: Platform,
  stack: AsyncDisposableStack,
  onFenced: () => void,
): Promise<MailStore> {
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const parts = { db, keyringDir, spoolDir, log, metrics, clock, random }
  return stack.use(
    await openMailStore({
      ...parts,
      onFenced,
      onExpired: ({ place }) =>
        void ((place === 'outgoing' || place === 'mailbox') && log.warn('mail_kept_too_long')),
    }),
  )
}

const noKeys = { submit: () => Promise.reject(new PortError('PORT_UNREACHABLE')) }

/** Disposed before the store, which it leaves the counts to. */
function openReports(
  { domains, clock, random }: Platform,
  {
    store,
    queue,
    collector,
    resolver,
    post = postPublic({ resolver }),
    events,
  }: Pick<MailFlowOptions, 'collector' | 'resolver' | 'post' | 'events'> & {
    store: MailStore
    queue: Queue
  },
): Promise<ReportSender> {
  const submitter = domains[0] ?? 'localhost'
  return openReportSending({ store, collector, queue, resolver, post, submitter, clock, random, events })
}

/** Our own domains to the mailboxes, all others out. */
function createCarrier(
  config: SmtpConfig,
  { domains, clock, random }: Platform,
  {
    accounts,
    resolver,
    signer,
    arrival = unchanged,
    keys = noKeys,
    mailbox,
    full,
    events,
    collector,
    policies,
    stack,
  }: MailFlowOptions & {
    mailbox: Mailbox
    full: FullMailboxes
    policies: KnownPolicies
    stack: AsyncDisposableStack
  },
): Carrier {
  const name = domains[0] ?? 'localhost'
  const ours = new Set(domains)
  const remote = stack.use(
    new RemoteCarrier({
      smarthost: config.smarthost,
      routes: config.routes,
      resolver,
      signer,
      name,
      ownNames: [...ours],
      allows: isPublicAddress,
      clock,
      random,
      policies,
      onTlsResult: (result) => collector.tlsResult(result),
    }),
  )
  const { lmtp, abuseMailbox } = config
  const sparing = sparingConfirmations(arrival, domains)
  const common = { accounts, domains, mailbox, arrival: sparing, keys, remote, events, name, clock }
  const local = stack.use(new LocalCarrier({ ...common, lmtp, full, abuseMailbox }))
  return {
    destinationOf: (domain) => (ours.has(domain) ? LOCAL : remote.destinationOf(domain)),
    carry: (attempt) => (attempt.destination === LOCAL ? local : remote).carry(attempt),
  }
}
