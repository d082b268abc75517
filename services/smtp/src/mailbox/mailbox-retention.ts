/** Once a day the mailbox server is told to destroy what it has kept for longer than the plans of accounts say, one account after the other. */
import type { Account, AccountQuery, AccountsDomain } from '@sealpost/accounts'
import type { Clock, Random } from '@sealpost/runtime'
import { type DoveadmPlace, expungeOld, isServable, MailboxServerError } from './doveadm.ts'

export interface MailboxRetentionOptions {
  readonly accounts: Pick<AccountsDomain, 'list' | 'plans'>
  readonly clock: Clock
  readonly random: Pick<Random, 'bytes'>
  readonly doveadm: DoveadmPlace
  /** Of one account, or of the whole turn when accounts cannot be read or the server is away: the next turn tries again. */
  readonly onError: (error: unknown) => void
}

const DAY_MS = 24 * 60 * 60_000
/** The first turn is 1 to 16 minutes after the start, so that relays that start together do not ask together. */
const FIRST_MS = 60_000
const SPREAD_MS = 15 * 60_000
const PAGE = 200

export class MailboxRetention implements AsyncDisposable {
  readonly #options: MailboxRetentionOptions
  readonly #abort = new AbortController()
  readonly #timers = new DisposableStack()
  #turn: Promise<void> | undefined

  constructor(options: MailboxRetentionOptions) {
    this.#options = options
    const { clock, random } = options
    const spread = (random.bytes(2).readUInt16BE() / 0x1_00_00) * SPREAD_MS
    const first = clock.after(FIRST_MS + spread, () => {
      this.#timers.use(clock.every(DAY_MS, () => this.turn()))
      void this.turn()
    })
    this.#timers.use(first)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#abort.abort()
    this.#timers.dispose()
    await this.#turn
  }

  /** Goes through all accounts now; while that is under way, resolves with it. */
  turn(): Promise<void> {
    this.#turn ??= this.#expungeAll().finally(() => (this.#turn = undefined))
    return this.#turn
  }

  async #expungeAll(): Promise<void> {
    const { accounts, onError } = this.#options
    try {
      const plans = await accounts.plans.list()
      if (plans.every(({ limits }) => limits.mailbox_days === undefined)) return
      for await (const account of this.#accounts()) await this.#expunge(account)
    } catch (error) {
      if (!this.#abort.signal.aborted) onError(error)
    }
  }

  async *#accounts(): AsyncGenerator<Account> {
    let query: AccountQuery | undefined = { limit: PAGE }
    while (query !== undefined && !this.#abort.signal.aborted) {
      const { items, next } = await this.#options.accounts.list(query)
      for (const account of items) {
        if (this.#abort.signal.aborted) return
        yield account
      }
      query = next === undefined ? undefined : { limit: PAGE, cursor: next }
    }
  }

  /** Rejects when there is no point in asking for others. */
  async #expunge({ id, jid, state }: Account): Promise<void> {
    const { accounts, clock, doveadm, onError } = this.#options
    if (state === 'terminated' || !isServable(jid.toString())) return
    const { mailbox_days: days } = (await accounts.plans.of(id)).limits
    if (days === undefined) return
    try {
      await expungeOld(doveadm, { user: id, days, clock, signal: this.#abort.signal })
    } catch (error) {
      if (!(error instanceof MailboxServerError) || error.code !== 'MAILBOX_SERVER_ANSWER') throw error
      onError(error)
    }
  }
}
