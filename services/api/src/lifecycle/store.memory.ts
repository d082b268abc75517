/** Subscriptions in memory: the plain model of the Postgres store. */
import type { Reminder, SubscriptionQuery, SubscriptionStore } from './store.ts'
import type { Subject, Subscription, Terms } from './subscription.ts'

interface Entry {
  subscription: Subscription
  refundSince: string | undefined
  readonly reminded: Map<Reminder, string>
}

export class MemorySubscriptions implements SubscriptionStore {
  readonly #entries = new Map<string, Entry>()
  readonly #events = new Map<string, number>()

  async find(subject: Subject): Promise<Subscription | undefined> {
    return this.#entryOf(subject)?.subscription
  }

  async put(
    id: string,
    subject: Subject,
    terms: Terms,
    billedAt?: number,
  ): Promise<Subscription | undefined> {
    const before = this.#entryOf(subject)
    const { state = 'running', billedAt: last } = before?.subscription ?? {}
    if (billedAt !== undefined && last !== undefined && billedAt < last) return undefined
    const subscription = {
      ...terms,
      id: before?.subscription.id ?? id,
      subject,
      state,
      billedAt: billedAt ?? last,
    }
    if (before === undefined)
      this.#entries.set(id, { subscription, refundSince: undefined, reminded: new Map() })
    else before.subscription = subscription
    return subscription
  }

  async list({ after, limit, fee, state, organisationIds }: SubscriptionQuery): Promise<Subscription[]> {
    const isTheirs = ({ subject }: Subscription): boolean =>
      organisationIds === undefined ||
      (subject?.kind === 'organisation' && organisationIds.includes(subject.id))
    return this.#byId()
      .map(({ subscription }) => subscription)
      .filter(({ id }) => after === undefined || id > after)
      .filter((each) => fee === undefined || each.fee === fee)
      .filter((each) => state === undefined || each.state === state)
      .filter(isTheirs)
      .slice(0, limit)
  }

  async remove(subject: Subject): Promise<boolean> {
    const entry = this.#entryOf(subject)
    return entry !== undefined && this.#entries.delete(entry.subscription.id)
  }

  async remindable(reminder: Reminder, today: string, until: string, limit: number): Promise<Subscription[]> {
    return this.#running()
      .filter(({ subscription, reminded }) => {
        const day = reminder === 'renewal' ? subscription.renewsOn : subscription.suspendsOn
        return day !== undefined && day >= today && day <= until && reminded.get(reminder) !== day
      })
      .map(({ subscription }) => subscription)
      .slice(0, limit)
  }

  async reminded(id: string, reminder: Reminder, day: string): Promise<void> {
    this.#entries.get(id)?.reminded.set(reminder, day)
  }

  async suspendable(today: string, after: string | undefined, limit: number): Promise<Subscription[]> {
    return this.#running()
      .map(({ subscription }) => subscription)
      .filter(({ id, suspendsOn }) => suspendsOn !== undefined && suspendsOn <= today && id > (after ?? ''))
      .slice(0, limit)
  }

  async refundDue(subject: Subject, today: string): Promise<Subscription | undefined> {
    const entry = this.#entryOf(subject)
    if (entry?.subscription.state !== 'running') return undefined
    entry.subscription = { ...entry.subscription, state: 'refund-due', fee: 'none', suspendsOn: undefined }
    entry.refundSince = today
    return entry.subscription
  }

  async refunded(id: string): Promise<boolean> {
    return this.#entries.get(id)?.subscription.state === 'refund-due' && this.#entries.delete(id)
  }

  async eraseRefunds(before: string): Promise<void> {
    for (const { subscription, refundSince } of this.#byId())
      if (refundSince !== undefined && refundSince < before) this.#entries.delete(subscription.id)
  }

  eraseAccount(id: string): Promise<void> {
    return this.#erase({ kind: 'account', id })
  }

  eraseOrganisation(id: string): Promise<void> {
    return this.#erase({ kind: 'organisation', id })
  }

  async #erase(subject: Subject): Promise<void> {
    const entry = this.#entryOf(subject)
    if (entry?.subscription.state === 'running') this.#entries.delete(entry.subscription.id)
    else if (entry !== undefined) entry.subscription = { ...entry.subscription, subject: undefined }
  }

  async isDone(eventHash: Buffer): Promise<boolean> {
    return this.#events.has(eventHash.toString('hex'))
  }

  async done(eventHash: Buffer, now: number, forgetBefore: number): Promise<void> {
    for (const [hash, at] of this.#events) if (at < forgetBefore) this.#events.delete(hash)
    this.#events.set(eventHash.toString('hex'), now)
  }

  #byId(): Entry[] {
    return [...this.#entries.values()].sort((one, other) =>
      one.subscription.id < other.subscription.id ? -1 : 1,
    )
  }

  #running(): Entry[] {
    return this.#byId().filter(({ subscription }) => subscription.state === 'running')
  }

  #entryOf({ kind, id }: Subject): Entry | undefined {
    return this.#byId().find(({ subscription: { subject } }) => subject?.kind === kind && subject.id === id)
  }
}
