/** Tells webhooks what becomes of accounts and organisations, whoever changed them: an administrator, an import, a bill, or the mail relay that found spam. */
import type { Outbox } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Clock } from '@sealpost/runtime'
import type { WebhookEventType, Webhooks } from './webhooks.ts'

const BATCH_MAX = 500
const LOOK_MS = 5_000

export interface OutboxEventsOptions {
  readonly outbox: Outbox
  readonly webhooks: Pick<Webhooks, 'emitAll'>
  readonly bus: Bus
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Until disposed: at once when an account changes, and every few seconds. */
export function followOutbox(options: OutboxEventsOptions): AsyncDisposable {
  const { bus, clock, onError } = options
  const stack = new DisposableStack()
  const stopping = new AbortController()
  let running: Promise<void> | undefined
  let again = false
  const run = async (): Promise<void> => {
    while (again && !stopping.signal.aborted) {
      again = false
      if ((await tell(options)) === BATCH_MAX) again = true
    }
  }
  const wake = (): void => {
    again = true
    running ??= run()
      .catch(onError)
      .finally(() => (running = undefined))
  }
  stack.use(bus.subscribe('account/changed', wake))
  stack.use(bus.subscribe('account/created', wake))
  stack.use(bus.onReset(wake))
  stack.use(clock.every(LOOK_MS, wake))
  wake()
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort()
      stack.dispose()
      await running
    },
  }
}

/** Told first, then forgotten: what a crash leaves between the two is told again under the same id. */
async function tell({ outbox, webhooks }: OutboxEventsOptions): Promise<number> {
  const pending = await outbox.pending(BATCH_MAX)
  if (pending.length === 0) return 0
  await webhooks.emitAll(pending.map((event) => ({ ...event, type: event.type as WebhookEventType })))
  await outbox.forget(pending.map(({ id }) => id))
  return pending.length
}
