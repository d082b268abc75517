/** What the API knows of the whole server and its clients: status, statistics, crashes, and where the relay of calls is. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import type { Platform } from '@sealpost/service'
import { TurnRelay } from '@sealpost/turn'
import type { ApiConfig } from './config.ts'
import { type CrashReports, createCrashReports } from './crash-reports/crash-reports.ts'
import { postgresCrashes } from './crash-reports/store.postgres.ts'
import type { ApiEvents } from './events.ts'
import { createStatistics, type ServiceUrls } from './statistics/create-statistics.ts'
import { AllOrganisationFigures } from './statistics/organisation-figures.ts'
import type { Statistics } from './statistics/statistics.ts'
import { createStatus, type Status } from './status/create-status.ts'
import { minuteOf } from './status/minutes.ts'
import { recordSelfAudits } from './status/self-audit-record.ts'
import { startProbeChild } from './status/probe-child.ts'
import type { Webhooks } from './webhooks/webhooks.ts'

export interface Observation {
  readonly status: Status
  readonly statistics: Statistics
  readonly organisationFigures: AllOrganisationFigures
  readonly turn: TurnRelay
  readonly crashes: CrashReports
}

export interface ObservationOptions {
  readonly config: Partial<ApiConfig>
  readonly platform: Platform
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly accounts: Pick<AccountsDomain, 'counts' | 'organisations'>
  readonly audit: Pick<AuditLog, 'find' | 'note'>
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly events: ApiEvents
}

/** Where the services are that run in other processes. */
export const servicesOf = ({ relayUrl, mailUrl, keysUrl, backupUrl }: Partial<ApiConfig>): ServiceUrls => ({
  relay: relayUrl,
  backup: backupUrl,
  mail: mailUrl,
  keys: keysUrl,
})

const HOUR_MS = 3_600_000
const NO_TURN = { services: [], secret: undefined, ttlMs: 0 }

/** What it starts ends with the stack. */
export function createObservation(options: ObservationOptions, stack: AsyncDisposableStack): Observation {
  const { config, platform, db, accounts, webhooks, events } = options
  const { bus, clock, random, metrics } = platform
  const status = stack.use(
    createStatus({ db, bus, webhooks, clock, random, onError: (error) => events.statusFailed(error) }),
  )
  stack.use(startProber(config.prober, status, options))
  const services = servicesOf(config)
  const onError = (error: unknown): void => events.statisticsFailed(error)
  const statistics = stack.use(createStatistics({ db, accounts, metrics, clock, services, onError }))
  stack.use(clock.every(HOUR_MS, () => recordSelfAudits(options.audit, statistics)))
  const crashes = createCrashReports(postgresCrashes(db), clock)
  stack.use(clock.every(HOUR_MS, () => crashes.eraseOld()))
  return {
    status,
    statistics,
    organisationFigures: new AllOrganisationFigures({
      db,
      organisations: accounts.organisations,
      clock,
      random,
    }),
    crashes,
    turn: new TurnRelay({ config: config.turn ?? NO_TURN, clock, random, metrics }),
  }
}

/** The server's own prober, which sees what clients on this machine see. */
function startProber(
  environment: ApiConfig['prober'],
  { availability }: Status,
  { platform: { clock }, events }: ObservationOptions,
): Disposable | undefined {
  if (environment === undefined) return undefined
  return startProbeChild({
    environment,
    clock,
    onReport: (at, results) =>
      void availability.record(minuteOf(at), results).catch((error: unknown) => events.statusFailed(error)),
    onTrouble: (code) => events.proberTroubled(code),
  })
}
