/**
 * What becomes of an account becomes of what is published for its address: suspended, it is hidden; restored, shown again; terminated, erased. Changes are
 * heard at once and, since messages may be lost, looked for at the start and every hour.
 */
import { runErasure, type AccountsDomain } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Clock, Supervisor } from '@sealpost/runtime'
import type { AccountOf } from '../directory/account-of.ts'
import type { Directory } from '../directory/directory.ts'
import type { CertificateStore } from '../directory/store.ts'
import type { LinkStore } from '../verification/store.ts'

const CHECK_MS = 60 * 60_000
const PAGE = 200

export interface AccountFollowerOptions {
  readonly accounts: Pick<AccountsDomain, 'findById' | 'list' | 'erasure'>
  readonly accountOf: AccountOf
  readonly directory: Pick<Directory, 'suspend' | 'restore' | 'erase'>
  readonly store: Pick<CertificateStore, 'suspendedAddresses'>
  readonly links: Pick<LinkStore, 'deleteFor'>
  readonly bus: Bus
  readonly clock: Clock
  /** Takes what nobody awaits. */
  readonly supervisor: Supervisor
  readonly onError: (error: unknown) => void
}

export class AccountFollower implements AsyncDisposable {
  readonly #options: AccountFollowerOptions
  readonly #stack = new AsyncDisposableStack()

  constructor(options: AccountFollowerOptions) {
    this.#options = options
    const { accounts, bus, clock, supervisor, onError } = options
    const erase = (accountId: string): Promise<void> => this.#erase(accountId)
    this.#stack.use(runErasure({ ledger: accounts.erasure, owner: 'keys', erase, clock, bus, onError }))
    this.#stack.use(
      bus.subscribe('account/changed', ({ accountId }) => supervisor.spawn(this.#follow(accountId))),
    )
    this.#stack.use(bus.onReset(() => supervisor.spawn(this.followAll())))
    this.#stack.use(clock.every(CHECK_MS, () => this.followAll()))
    supervisor.spawn(this.followAll())
  }

  /** Whether the address has an account of ours that is suspended. */
  async isSuspended(address: string): Promise<boolean> {
    return (await this.#stateOf(address)) === 'suspended'
  }

  /** Whether the address has an account of ours that gets mail. */
  async isActive(address: string): Promise<boolean> {
    return (await this.#stateOf(address)) === 'active'
  }

  /** Brings what is shown in line with every account that is or was suspended. */
  async followAll(): Promise<void> {
    const { accounts, directory, store } = this.#options
    let cursor: string | undefined
    do {
      const page = await accounts.list({ cursor, limit: PAGE, state: 'suspended' })
      for (const { jid } of page.items) await directory.suspend(jid.toString())
      cursor = page.next
    } while (cursor !== undefined)
    let hidden = await store.suspendedAddresses('', PAGE)
    while (hidden.length > 0) {
      for (const address of hidden)
        if ((await this.#stateOf(address)) === 'active') await directory.restore(address)
      hidden = await store.suspendedAddresses(hidden.at(-1) ?? '', PAGE)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  async #follow(accountId: string): Promise<void> {
    const { accounts, directory } = this.#options
    const account = await accounts.findById(accountId)
    const address = account?.jid.toString()
    if (address === undefined) return
    if (account?.state === 'suspended') await directory.suspend(address)
    if (account?.state === 'active') await directory.restore(address)
  }

  async #erase(accountId: string): Promise<void> {
    const { accounts, directory, links } = this.#options
    const account = await accounts.findById(accountId)
    if (account === undefined) return
    const address = account.jid.toString()
    await directory.erase(address)
    await links.deleteFor({ address: address.toLowerCase() })
  }

  async #stateOf(address: string): Promise<string | undefined> {
    return (await this.#options.accountOf(address))?.state
  }
}
