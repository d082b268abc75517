/** The life of accounts and organisations under their subscriptions: what the billing system says becomes a suspension, its end, or a refund that is due. */
import type { Account, AccountsDomain, Deciding } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import { assert } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { Affiliates } from '../affiliates/affiliates.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { addDays, dayOf } from '../day.ts'
import type { Reminder, SubscriptionQuery, SubscriptionStore } from './store.ts'
import {
  ABUSE_REASONS,
  GUARANTEE_DAYS,
  LifecycleError,
  PAYMENT,
  REMINDER_DAYS,
  type Subject,
  type Subscription,
  type Terms,
  type WantedTerms,
} from './subscription.ts'
import { recorded } from '../recorded.ts'
import { subscriptionEvent } from './subscription-event.ts'

export interface LifecycleOptions {
  readonly store: SubscriptionStore
  readonly accounts: AccountsDomain
  readonly audit: AuditLog
  readonly webhooks: Pick<Webhooks, 'along'>
  /** Undefined: the module is off. */
  readonly affiliates: Pick<Affiliates, 'downgraded' | 'chargedBack'> | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

/** Changes of mind that are followed at once; the daily run takes the rest. */
const ROUNDS_MAX = 10

/** Refusals are LifecycleErrors, and what the accounts refuse. */
export class Lifecycle {
  readonly #options: LifecycleOptions

  constructor(options: LifecycleOptions) {
    this.#options = options
  }

  find(subject: Subject): Promise<Subscription | undefined> {
    return this.#options.store.find(subject)
  }

  list(query: SubscriptionQuery): Promise<Subscription[]> {
    return this.#options.store.list(query)
  }

  /** Takes over what is said of it, and does at once what follows from it. Repeating it changes nothing. */
  async set(subject: Subject, wanted: WantedTerms): Promise<Subscription> {
    const subscription = await this.#put(subject, wanted)
    assert(subscription, 'what an administrator says is taken')
    await this.apply(subject)
    return subscription
  }

  /**
   * The same, when it is the billing system that says so, at a time by its own clock: a shorter term is a downgrade then, and not a slip of the pen. Nothing happens
   * when it has said something later.
   */
  async billed(subject: Subject, wanted: WantedTerms, at: number): Promise<void> {
    const { store, affiliates } = this.#options
    const before = await store.find(subject)
    if (before?.billedAt !== undefined && at < before.billedAt) return
    // First, since nothing is known of the longer term afterwards.
    if (before !== undefined && wanted.termMonths < before.termMonths)
      await affiliates?.downgraded(subject.id)
    await this.#put(subject, wanted, at)
    await this.apply(subject)
  }

  /** A payment was taken back. Of the fee that is missing now, the billing system tells by `billed`. */
  async chargedBack(subject: Subject): Promise<void> {
    await this.#options.affiliates?.chargedBack(subject.id)
  }

  remove(subject: Subject): Promise<boolean> {
    return this.#options.store.remove(subject)
  }

  /** The billing system has paid it back. Throws SUBSCRIPTION_UNKNOWN. */
  async refunded(id: string): Promise<void> {
    if (!(await this.#options.store.refunded(id))) throw new LifecycleError('SUBSCRIPTION_UNKNOWN')
  }

  /**
   * Suspends what is due for suspension, and reinstates what was suspended for non-payment and is not overdue any more. Repeatable. Whoever did something looks
   * again: what was said meanwhile may have found nothing to do yet.
   */
  async apply(subject: Subject): Promise<void> {
    for (let round = 0; round < ROUNDS_MAX; round++) if (!(await this.#applyOnce(subject))) return
  }

  async #applyOnce(subject: Subject): Promise<boolean> {
    const subscription = await this.find(subject)
    if (subscription?.state !== 'running') return false
    const { fee, suspendsOn } = subscription
    const due = suspendsOn !== undefined && suspendsOn <= this.today()
    const standing = await this.#standingOf(subject)
    const isToSuspend = due && standing === 'active'
    const isToReinstate = !due && fee !== 'overdue' && standing === 'unpaid'
    if (isToSuspend) await this.#suspend(subject, subscription)
    if (isToReinstate) await this.#reinstate(subject, subscription)
    return isToSuspend || isToReinstate
  }

  /**
   * Terminates an account, at once or after a window of some days in which its owner can move away. Throws NO_WINDOW_AFTER_ABUSE, and what
   * Accounts.leave and Accounts.terminate throw.
   */
  async terminate(account: Account, afterDays: number, by: Deciding = {}): Promise<Account> {
    const { accounts } = this.#options
    const abusive = account.reason !== undefined && ABUSE_REASONS.has(account.reason)
    if (afterDays > 0 && abusive) throw new LifecycleError('NO_WINDOW_AFTER_ABUSE')
    // What was decided above stays, be it that this were sooner.
    const isAsked = by.within !== undefined && account.state !== 'terminated'
    const left =
      afterDays > 0 || isAsked
        ? await accounts.leave(account.jid, addDays(this.today(), afterDays), by)
        : account
    // Before the account is being erased, since then nothing is known of its subscription.
    await this.guarantee({ kind: 'account', id: account.id })
    return afterDays === 0 ? accounts.terminate(account.jid) : left
  }

  /** Whoever leaves within the guarantee gets the fee back. Undefined when they have no subscription, or it is older. */
  async guarantee(subject: Subject): Promise<Subscription | undefined> {
    const { store, webhooks } = this.#options
    const subscription = await store.find(subject)
    if (subscription === undefined || addDays(subscription.startedOn, GUARANTEE_DAYS) < this.today())
      return undefined
    const due = { ...subscription, state: 'refund-due', fee: 'none', suspendsOn: undefined } as const
    const { type, data } = subscriptionEvent('refund_due', due)
    return webhooks.along(type, data, (tell) => store.refundDue(subject, this.today(), tell))
  }

  /** Whoever it concerns was told that a renewal or a suspension is seven days away at most. */
  reminded(subscription: Subscription, reminder: Reminder, day: string): Promise<void> {
    const { store, webhooks } = this.#options
    const { type, data } = subscriptionEvent(`${reminder}_near`, subscription)
    return webhooks.along(type, data, (tell) => store.reminded(subscription.id, reminder, day, tell))
  }

  /** In UTC. */
  today(): string {
    return dayOf(this.#options.clock.now())
  }

  async #put(subject: Subject, wanted: WantedTerms, billedAt?: number): Promise<Subscription | undefined> {
    const { store, random } = this.#options
    const terms = this.#complete(wanted, await store.find(subject))
    return store.put(random.uuid(), subject, terms, billedAt)
  }

  #complete(wanted: WantedTerms, before: Subscription | undefined): Terms {
    const { startedOn, renewsOn, fee } = wanted
    if (renewsOn <= startedOn || (fee !== 'overdue' && wanted.suspendsOn !== undefined))
      throw new LifecycleError('SUBSCRIPTION_TERMS')
    const known = wanted.suspendsOn ?? before?.suspendsOn ?? addDays(this.today(), REMINDER_DAYS)
    return { ...wanted, suspendsOn: fee === 'overdue' ? known : undefined }
  }

  /** `unpaid`: suspended by itself, for non-payment; `otherwise`: for something else, with an organisation above, or gone. */
  async #standingOf({ kind, id }: Subject): Promise<'active' | 'unpaid' | 'otherwise'> {
    const { organisations } = this.#options.accounts
    const found = await (kind === 'account' ? this.#options.accounts.findById(id) : organisations.find(id))
    if (found?.state === 'active') return 'active'
    if (found?.state !== 'suspended' || found.reason !== PAYMENT) return 'otherwise'
    const isAbove =
      'suspendedWith' in found
        ? found.suspendedWith !== id
        : (await organisations.ofAccount(id))?.state === 'suspended'
    return isAbove ? 'otherwise' : 'unpaid'
  }

  async #suspend(subject: Subject, subscription: Subscription): Promise<void> {
    const { accounts } = this.#options
    const change = { event: subscriptionEvent('suspended', subscription), onlyWhile: null }
    await this.#recorded('subscription.suspend', subject, async () => {
      if (subject.kind === 'organisation') await accounts.organisations.suspend(subject.id, PAYMENT, change)
      else await accounts.suspend(await this.#jidOf(subject.id), PAYMENT, change)
    })
  }

  async #reinstate(subject: Subject, subscription: Subscription): Promise<void> {
    const { accounts } = this.#options
    const change = { event: subscriptionEvent('reinstated', subscription), onlyWhile: PAYMENT }
    await this.#recorded('subscription.reinstate', subject, async () => {
      if (subject.kind === 'organisation') await accounts.organisations.reinstate(subject.id, change)
      else await accounts.restore(await this.#jidOf(subject.id), change)
    })
  }

  async #jidOf(id: string) {
    const account = await this.#options.accounts.findById(id)
    if (account === undefined) throw new LifecycleError('SUBSCRIPTION_UNKNOWN')
    return account.jid
  }

  /** As every act of administration: on record before it is done. What somebody decided in the same moment stays, and the next event or run finds it. */
  async #recorded(action: string, { kind, id }: Subject, work: () => Promise<void>): Promise<void> {
    await recorded(this.#options.audit, { action, target: { kind, id } }, work)
  }
}
