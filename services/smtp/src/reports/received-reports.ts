/** What others report about our domains, from the mail to what an administrator sees. */
import { openDb } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { MailReports } from '@sealpost/ports'
import type { Platform } from '@sealpost/service'
import type { Stage } from '../reception/stage.ts'
import { reportIntakeStage, type ReportIntakeOptions } from './report-intake.ts'
import { dayOf, receivedStore } from './received-store.ts'

export interface ReceivedReports extends MailReports, AsyncDisposable {
  readonly stage: Stage
}

/** A few reports a minute, and an administrator now and then. */
const POOL_SIZE = 2
const COLLECT_MS = 6 * 60 * 60_000
const DAY_MS = 24 * 60 * 60_000

export async function openReceivedReports(
  { log, clock, domains, databaseUrl: url }: Platform,
  events: ReportIntakeOptions['events'],
): Promise<ReceivedReports> {
  await using stack = new AsyncDisposableStack()
  const onError = (error: unknown): void =>
    log.warn('smtp_database_connection_failed', { code: errorCode(error) })
  const db = stack.use(await openDb({ url, role: 'sealpost_smtp', poolSize: POOL_SIZE, onError }))
  const store = receivedStore(db)
  stack.use(clock.every(COLLECT_MS, () => store.collect(clock.now())))
  const stage = reportIntakeStage({ store, domains, clock, events })
  const held = stack.move()
  return {
    stage,
    reported: (days, domain) => store.list({ domain, since: dayOf(clock.now() - days * DAY_MS) }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
