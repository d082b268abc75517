/** Tells webhooks what becomes of accounts, whoever changed them: an administrator, an import, a bill, or the mail relay that found spam. */
import type { Transition, Transitions } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Clock } from '@sealpost/runtime'
import type { Webhooks } from './webhooks.ts'

const BATCH_MAX = 500
const LOOK_MS = 5_000

export interface AccountEventsOptions {
  readonly transitions: Transitions
  readonly webhooks: Pick<Webhooks, 'emitAll'>
  readonly bus: Bus
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Until disposed: at once when an account changes, and every few seconds. */
export function followAccounts(options: AccountEventsOptions): AsyncDisposable {
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
async function tell({ transitions, webhooks }: AccountEventsOptions): Promise<number> {
  const pending = await transitions.pending(BATCH_MAX)
  if (pending.length === 0) return 0
  await webhooks.emitAll(pending.map(toEvent))
  await transitions.forget(pending.map(({ id }) => id))
  return pending.length
}

function toEvent({ id, accountId, event, reason }: Transition) {
  return {
    id,
    type: `account.${event}`,
    data: { account_id: accountId, ...(reason === undefined ? {} : { reason }) },
  } as const
}
