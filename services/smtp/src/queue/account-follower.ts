/** A suspended account's mail stays where it is until the account is restored. Changes are heard at once and looked for at the start. */
import type { Accounts } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import { Supervisor } from '@sealpost/runtime'
import type { Queue } from './queue.ts'

export interface FollowOptions {
  readonly accounts: Pick<Accounts, 'findById'>
  readonly queue: Pick<Queue, 'holdAccount' | 'releaseAccount' | 'accounts'>
  readonly bus: Bus
  readonly onError: (error: unknown) => void
}

export function followAccounts({ accounts, queue, bus, onError }: FollowOptions): AsyncDisposable {
  const supervisor = new Supervisor(onError)
  const follow = async (accountId: string): Promise<void> => {
    const account = await accounts.findById(accountId)
    if (account?.state === 'suspended') await queue.holdAccount(accountId)
    if (account?.state === 'active') await queue.releaseAccount(accountId)
  }
  const followAll = async (): Promise<void> => {
    for (const accountId of queue.accounts()) await follow(accountId)
  }
  const subscriptions = new DisposableStack()
  subscriptions.use(bus.subscribe('account/changed', ({ accountId }) => supervisor.spawn(follow(accountId))))
  subscriptions.use(bus.onReset(() => supervisor.spawn(followAll())))
  supervisor.spawn(followAll())
  return {
    [Symbol.asyncDispose]: async () => {
      subscriptions.dispose()
      await supervisor.idle()
    },
  }
}
