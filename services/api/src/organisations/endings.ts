/**
 * How organisations end, with all below them: on a day, until which their people can move away; then everything is suspended at once, those who administer it
 * go, its accounts are terminated and erased, and the organisation goes with the last of them. What the database says is due is what is done, so that a
 * process that is killed leaves nothing half done: the next one goes on. Webhooks are told by the database (packages/accounts/migrations/0300_outbox.sql).
 */
import { createHash } from 'node:crypto'
import type { AccountsDomain, Deciding, Organisation } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import type { Clock } from '@sealpost/runtime'
import type { Administrators } from '../access/administrators.ts'
import { dayOf } from '../day.ts'
import type { Lifecycle } from '../lifecycle/lifecycle.ts'
import { ABUSE_REASONS, LifecycleError } from '../lifecycle/subscription.ts'
import type { NewNotice, Notices } from '../notices/notices.ts'
import { recorded } from '../recorded.ts'

/** "orgends" in ASCII as an int8. */
const LOCK = 0x6f72_6765_6e64_73n
const HOUR_MS = 3_600_000
/** While accounts of one are being erased. */
const SOON_MS = 5_000
const PAGE = 200

/** What has things of an organisation. */
export interface OrganisationOwner {
  /** Repeatable. */
  eraseOrganisation(id: string): Promise<void>
}

export interface EndingsOptions {
  readonly db: Pick<Db, 'lock'>
  readonly accounts: Pick<AccountsDomain, 'organisations' | 'apiKeys' | 'list'>
  readonly administrators: Pick<Administrators, 'removeOf'>
  readonly lifecycle: Pick<Lifecycle, 'guarantee' | 'terminate'>
  readonly notices: Pick<Notices, 'publish' | 'retract' | 'isWithdrawn'>
  readonly audit: AuditLog
  readonly owners: readonly OrganisationOwner[]
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Refusals are OrganisationErrors and LifecycleErrors. */
export class OrganisationEndings implements AsyncDisposable {
  readonly #options: EndingsOptions
  readonly #hourly: Disposable
  #soon: Disposable | undefined
  #running: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: EndingsOptions) {
    this.#options = options
    this.#hourly = options.clock.every(HOUR_MS, () => this.run())
    void this.run()
  }

  /** Ends it today, or after some days, of which its people are told. Throws NO_WINDOW_AFTER_ABUSE, ORGANISATION_ENDING, ORGANISATION_HELD. */
  async end(organisation: Organisation, afterDays: number, by: Deciding = {}): Promise<Organisation> {
    const { accounts, lifecycle, notices, clock } = this.#options
    const { id, reason, terminatesOn } = organisation
    if (afterDays > 0 && reason !== undefined && ABUSE_REASONS.has(reason))
      throw new LifecycleError('NO_WINDOW_AFTER_ABUSE')
    const on = dayOf(clock.now(), afterDays)
    await accounts.organisations.end(id, on, by)
    // As for accounts: nothing is known of the subscription once all is erased.
    await lifecycle.guarantee({ kind: 'organisation', id })
    if (terminatesOn !== undefined && terminatesOn !== on)
      await notices.retract(await this.#noticeOf(id, terminatesOn))
    if (afterDays > 0) await notices.publish(farewell(id, on), await this.#noticeOf(id, on))
    else {
      await accounts.organisations.suspendForEnd(id)
      void this.run()
    }
    return accounts.organisations.get(id)
  }

  /** It goes on. Throws ORGANISATION_ENDING when its day has come, ORGANISATION_HELD. */
  async keep({ id, terminatesOn }: Organisation, by: Deciding = {}): Promise<Organisation> {
    const { accounts, notices } = this.#options
    const kept = await accounts.organisations.keep(id, by)
    if (terminatesOn === undefined) return kept
    await notices.retract(await this.#noticeOf(id, terminatesOn))
    return kept
  }

  /** Removes one to which nothing belongs. Throws ORGANISATION_NOT_EMPTY. */
  async remove(id: string): Promise<void> {
    await this.#options.accounts.organisations.endEmpty(id)
    await this.run()
  }

  /** Does what is due; another process may be at it. Never rejects. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#work()).catch(this.#options.onError)
    return this.#running
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true
    this.#hourly[Symbol.dispose]()
    this.#soon?.[Symbol.dispose]()
    await this.#running
  }

  async #work(): Promise<void> {
    if (this.#stopped) return
    const { db, accounts, onError } = this.#options
    if ((await accounts.organisations.ending()).length === 0) return
    this.#again()
    await using stack = new AsyncDisposableStack()
    const lock = await db.lock(LOCK, () => {})
    if (lock === undefined) return
    stack.use(lock)
    for (const organisation of await accounts.organisations.ending()) {
      if (this.#stopped) return
      await this.#end(organisation).catch(onError)
    }
  }

  /** Looks again soon: whether all are gone, or another process that had the lock has died. */
  #again(): void {
    this.#soon?.[Symbol.dispose]()
    this.#soon = this.#options.clock.after(SOON_MS, () => void this.run())
  }

  async #end({ id, state }: Organisation): Promise<void> {
    const { accounts, administrators, lifecycle, owners, audit } = this.#options
    if (state === 'active') await accounts.organisations.suspendForEnd(id)
    await accounts.apiKeys.revokeOf(id)
    await administrators.removeOf(id)
    if (await this.#terminateMembers(id)) return
    await lifecycle.guarantee({ kind: 'organisation', id })
    for (const owner of owners) await owner.eraseOrganisation(id)
    const action = { action: 'organisation.end', target: { kind: 'organisation', id } }
    await recorded(audit, action, () => accounts.organisations.remove(id))
  }

  /** Whether any are left, be it that they are being erased. */
  async #terminateMembers(organisationId: string): Promise<boolean> {
    const { accounts, lifecycle, audit } = this.#options
    const query = { organisationIds: [organisationId], limit: PAGE }
    let found = false
    for (let cursor: string | undefined; ;) {
      const { items, next } = await accounts.list({ ...query, cursor })
      for (const account of items.filter(({ state }) => state !== 'terminated')) {
        const action = { action: 'account.terminate', target: { kind: 'account', id: account.id } }
        await recorded(audit, action, () => lifecycle.terminate(account, 0))
      }
      found ||= items.length > 0
      cursor = next
      if (cursor === undefined || this.#stopped) return found
    }
  }

  /** Id of the notice of that end which stands, or is still to be published: the first that was not taken back. */
  async #noticeOf(id: string, on: string): Promise<string> {
    for (let round = 0; ; round++) {
      const notice = noticeId(id, on, round)
      if (!(await this.#options.notices.isWithdrawn(notice))) return notice
    }
  }
}

function farewell(id: string, on: string): NewNotice {
  return {
    kind: 'announcement',
    audience: { to: 'organisation', id },
    title: `Your account ends on ${on}`,
    body: `Whoever runs your account ends the service for your organisation. Until ${on} you can take your data along from your account page; on that day it is erased.`,
    shownUntil: Date.parse(on),
  }
}

/** The same for the same day: who asks again after a crash tells nobody twice. `round`: how often it was taken back. */
function noticeId(id: string, on: string, round: number): string {
  const hex = createHash('sha256')
    .update(`end of ${id} on ${on}, ${String(round)}`)
    .digest('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-')
}
