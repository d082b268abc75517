/** Statistics over Postgres, from the metrics of this process and of those that it knows. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { Db } from '@sealpost/db'
import type { Metrics } from '@sealpost/metrics'
import type { Clock } from '@sealpost/runtime'
import { remoteSource } from './sources.ts'
import { Statistics } from './statistics.ts'
import { postgresStatistics } from './store.postgres.ts'

export interface CreateStatisticsOptions {
  /** With the role `sealpost_api`. */
  readonly db: Db
  readonly accounts: Pick<AccountsDomain, 'counts'>
  readonly metrics: Metrics
  readonly clock: Clock
  /** Origins of the plain HTTP listeners of services in other processes, by their names. */
  readonly services: Readonly<Record<string, URL | undefined>>
  readonly onError: (error: unknown) => void
}

export function createStatistics(options: CreateStatisticsOptions): Statistics {
  const { db, accounts, metrics, clock, services, onError } = options
  const gauge = metrics.gauge('accounts_total', 'Accounts by state', ['state'])
  const remote = Object.entries(services).flatMap(([name, url]) =>
    url === undefined ? [] : [remoteSource(name, url)],
  )
  const own = { name: 'api', fresh: true, read: () => metrics.render() }
  return new Statistics({
    store: postgresStatistics(db),
    sources: [own, ...remote],
    refresh: async () => {
      for (const [state, count] of Object.entries(await accounts.counts())) gauge.set(count, { state })
    },
    clock,
    onError,
  })
}
