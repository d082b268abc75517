/** Statistics over Postgres, from the metrics of this process and of those that it knows. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import type { Metrics } from '@sealpost/metrics'
import type { Clock } from '@sealpost/runtime'
import { type MetricsSource, remoteSource } from './sources.ts'
import { Statistics } from './statistics.ts'
import { postgresStatistics } from './store.postgres.ts'

/** Origins of the plain HTTP listeners of services in other processes, by their names. */
export type ServiceUrls = Readonly<Record<string, URL | undefined>>

export interface CreateStatisticsOptions {
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly accounts: Pick<AccountsDomain, 'counts'>
  readonly metrics: Metrics
  readonly clock: Clock
  readonly services: ServiceUrls
  readonly onError: (error: unknown) => void
}

export function createStatistics(options: CreateStatisticsOptions): Statistics {
  const { db, accounts, metrics, clock, services, onError } = options
  const gauge = metrics.gauge('accounts_total', 'Accounts by state', ['state'])
  return new Statistics({
    store: postgresStatistics(db),
    sources: figureSources(metrics, services),
    refresh: async () => {
      for (const [state, count] of Object.entries(await accounts.counts())) gauge.set(count, { state })
    },
    clock,
    onError,
  })
}

/** Of this process, and of those that it knows. */
export function figureSources(metrics: Metrics, services: ServiceUrls): readonly MetricsSource[] {
  const remote = Object.entries(services).flatMap(([name, url]) =>
    url === undefined ? [] : [remoteSource(name, url)],
  )
  return [{ name: 'api', fresh: true, read: () => metrics.render() }, ...remote]
}
