/**
 * Whoever may not sign in any more is put out of the mailbox server, too: Dovecot ends sessions when it is asked over HTTP, as doveadm's `kick`. Changes are heard
 * at once; at the start, and when some may have been missed, everybody who has a session is looked at.
 */
import { domainToASCII } from 'node:url'
import type { Accounts } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import { type Clock, Supervisor } from '@sealpost/runtime'
import { parseJid } from '@sealpost/jid'
import { type DoveadmPlace, kick, who } from './doveadm.ts'

export interface MailboxSessionsOptions {
  readonly accounts: Pick<Accounts, 'find' | 'findById'>
  readonly bus: Bus
  /** Others that the mailbox server may have are not ours to judge. */
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly doveadm: DoveadmPlace
  readonly onError: (error: unknown) => void
}

/** A sign-in that was under way comes through a moment later, and a server that was away comes back. */
const ROUNDS = 3
const ROUND_MS = 5_000

export class MailboxSessions implements AsyncDisposable {
  readonly #options: MailboxSessionsOptions
  readonly #supervisor: Supervisor
  readonly #subscriptions = new DisposableStack()
  readonly #timers = new Set<Disposable>()

  constructor(options: MailboxSessionsOptions) {
    this.#options = options
    const { bus, onError } = options
    this.#supervisor = new Supervisor(onError)
    const checkAll = (): void => this.#inRounds(() => this.#checkAll())
    this.#subscriptions.use(
      bus.subscribe('account/changed', ({ accountId }) => this.#inRounds(() => this.#check(accountId))),
    )
    // Dovecot does not tell which password a session began with: all of the account begin anew.
    this.#subscriptions.use(
      bus.subscribe('account/credentials-revoked', ({ accountId }) =>
        this.#inRounds(() => this.#kickOnce(accountId)),
      ),
    )
    this.#subscriptions.use(bus.onReset(checkAll))
    checkAll()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscriptions.dispose()
    for (const timer of this.#timers) timer[Symbol.dispose]()
    this.#timers.clear()
    await this.#supervisor.idle()
  }

  /** `check` tells whether it is worth another round. */
  #inRounds(check: () => Promise<boolean>, round = 1): void {
    const checking = async (): Promise<void> => {
      let isWorthIt = true
      try {
        isWorthIt = await check()
      } finally {
        if (isWorthIt && round < ROUNDS && !this.#subscriptions.disposed) this.#later(check, round + 1)
      }
    }
    this.#supervisor.spawn(checking())
  }

  #later(check: () => Promise<boolean>, round: number): void {
    const timer = this.#options.clock.after(ROUND_MS, () => {
      this.#timers.delete(timer)
      this.#inRounds(check, round)
    })
    this.#timers.add(timer)
  }

  async #check(accountId: string): Promise<boolean> {
    const { accounts, doveadm, clock } = this.#options
    const account = await accounts.findById(accountId)
    if (account === undefined) return await this.#checkAll()
    if (account.state === 'active') return false
    await kick(doveadm, account.jid.toString(), clock)
    return true
  }

  async #kickOnce(accountId: string): Promise<boolean> {
    const { accounts, doveadm, clock } = this.#options
    const account = await accounts.findById(accountId)
    if (account) await kick(doveadm, account.jid.toString(), clock)
    return false
  }

  async #checkAll(): Promise<boolean> {
    const { accounts, domains, doveadm, clock } = this.#options
    const failures: unknown[] = []
    for (const user of await who(doveadm, clock)) {
      const domain = domainToASCII(user.slice(user.indexOf('@') + 1))
      if (!domains.includes(domain)) continue
      try {
        const account = await accounts.find(parseJid(user))
        if (account?.state !== 'active') await kick(doveadm, user, clock)
      } catch (error) {
        failures.push(error) // One that cannot be put out leaves none of the others in.
      }
    }
    if (failures.length > 0) throw failures[0]
    return false
  }
}
