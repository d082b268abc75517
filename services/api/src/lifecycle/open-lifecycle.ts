/** Puts the life cycle together: subscriptions over Postgres, what falls due by the hour, who is told. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Platform } from '@sealpost/service'
import type { ApiEvents } from '../events.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { runDaily, type DailyOptions } from './daily.ts'
import { Lifecycle } from './lifecycle.ts'
import { PostgresSubscriptions } from './store.postgres.ts'
import type { SubscriptionStore } from './store.ts'

/** Days turn at midnight in UTC; an hour decides nothing. */
const RUN_MS = 3_600_000

export interface OpenLifecycleOptions extends Pick<DailyOptions, 'letters' | 'supportUrl' | 'affiliates'> {
  readonly platform: Pick<Platform, 'clock' | 'random'>
  readonly db: Db
  readonly accounts: AccountsDomain
  readonly audit: AuditLog
  readonly webhooks: Pick<Webhooks, 'along'>
  readonly events: Pick<ApiEvents, 'lifecycleFailed'>
}

export interface OpenLifecycle extends AsyncDisposable {
  readonly lifecycle: Lifecycle
  readonly store: SubscriptionStore
}

/** What was due while the server was down is done at once; disposal waits for what is under way. */
export function openLifecycle({ platform, webhooks, ...options }: OpenLifecycleOptions): OpenLifecycle {
  const { db, accounts, audit, affiliates, events } = options
  const store = new PostgresSubscriptions(db)
  const lifecycle = new Lifecycle({
    ...platform,
    store,
    accounts,
    audit,
    affiliates,
    webhooks,
  })
  const onError = (error: unknown): void => events.lifecycleFailed(errorCode(error))
  let running: Promise<void> = Promise.resolve()
  const run = (): void => {
    running = running.then(() => runDaily({ ...options, store, lifecycle, onError })).catch(onError)
  }
  const timer = platform.clock.every(RUN_MS, run)
  run()
  return {
    lifecycle,
    store,
    async [Symbol.asyncDispose]() {
      timer[Symbol.dispose]()
      await running
    },
  }
}
