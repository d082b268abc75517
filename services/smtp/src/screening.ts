/** Whom the relay believes, put together: the stages that judge mail, and what they remember. */
import type { AccountsDomain } from '@sealpost/accounts'
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { Supervisor } from '@sealpost/runtime'
import type { Platform } from '@sealpost/service'
import { BounceWatch } from './abuse/bounce-watch.ts'
import { feedbackReportStage } from './abuse/feedback-report.ts'
import { OperatorNotices } from './abuse/operator-notices.ts'
import { watchOwnListings } from './abuse/own-listings.ts'
import { SenderHashes } from './abuse/sender-hashes.ts'
import { senderReputation } from './abuse/sender-reputation.ts'
import { postgresSenderStore } from './abuse/sender-store.postgres.ts'
import { createSuspension } from './abuse/suspension.ts'
import type { Resolver } from './dns/resolver.ts'
import type { SmtpEvents } from './events.ts'
import type { OwnMail } from './own-mail.ts'
import type { Stage } from './reception/stage.ts'
import type { ReportCollector } from './reports/report-collector.ts'
import type { ScreeningConfig } from './screening-config.ts'
import { ConnectionIdentity } from './stages/authentication/connection-identity.ts'
import { senderAuthentication } from './stages/authentication/sender-authentication.ts'
import { blocklistStage } from './stages/blocklist.ts'
import { helloStage } from './stages/hello.ts'
import { scanningStages } from './stages/scanners/scanning.ts'

export interface Screening extends AsyncDisposable {
  /** Before those that change headers: signatures are checked over what came. */
  readonly first: readonly Stage[]
  /** Behind all that may still refuse: scanners cost most. */
  readonly last: readonly Stage[]
  /** An administrator wants nothing from a domain for thirty days. */
  readonly block: (domain: string) => Promise<void>
  /** Counts what becomes of mails of our users. */
  readonly bounces: BounceWatch
}

export interface ScreeningParts {
  readonly accounts: AccountsDomain
  readonly resolver: Resolver
  /** For notices. */
  readonly mail: OwnMail
  /** Counts for reports. */
  readonly collector: Pick<ReportCollector, 'senderJudged'>
  readonly events: SmtpEvents
}

const POOL_SIZE = 4

export async function openScreening(
  config: ScreeningConfig,
  platform: Platform,
  { accounts, resolver, mail, collector, events }: ScreeningParts,
): Promise<Screening> {
  await using stack = new AsyncDisposableStack()
  const { log, clock, random, domains, dataDir, databaseUrl: url } = platform
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const supervisor = new Supervisor((error) => events.stageFailed('sender-reputation', errorCode(error)))
  stack.defer(() => supervisor.idle())
  const [host = 'localhost'] = domains
  const identity = new ConnectionIdentity(resolver, host)
  const reputation = stack.use(
    senderReputation({
      store: postgresSenderStore(db),
      hashes: stack.use(await SenderHashes.open(dataDir, clock, random)),
      identity,
      greylist: config.greylist,
      clock,
      supervisor,
      events,
    }),
  )
  const { trustedSealers, blocklists: zones } = config
  const notices = new OperatorNotices({ mail, host, clock, supervisor, events })
  stack.use(watchOwnListings({ resolver, zones, domains, clock, notices, events }))
  const first = [
    blocklistStage({ resolver, zones, clock, events }),
    helloStage({ domains }),
    reputation,
    senderAuthentication({
      resolver,
      identity,
      domains,
      trustedSealers,
      events,
      onVerdict: (client, envelope, verdict) => collector.senderJudged(client, envelope, verdict),
    }),
    feedbackReportStage(events),
  ]
  const onAccount = createSuspension({ accounts, notices, events })
  const bounces = stack.use(new BounceWatch({ accounts, clock, supervisor, onAccount }))
  const last = scanningStages({
    ...config,
    onStranger: (transaction) => reputation.spamFound(transaction),
    onAccount,
    domains,
    clock,
    events,
  })
  const held = stack.move()
  return {
    first,
    last,
    bounces,
    block: (domain) => reputation.block(domain),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
