/** What falls due by itself: reminders, suspensions and their ends, terminations whose window is over. One process of several does it. */
import type { AccountsDomain } from '@sealpost/accounts'
import type { AuditLog } from '@sealpost/audit'
import type { Db } from '@sealpost/db'
import type { Letters } from '../letters/letters.ts'
import { addDays } from '../day.ts'
import { recorded } from '../recorded.ts'
import type { Affiliates } from '../affiliates/affiliates.ts'
import type { Lifecycle } from './lifecycle.ts'
import { reminderLetter } from './reminder-letter.ts'
import type { Reminder, SubscriptionStore } from './store.ts'
import { PAYMENT, REMINDER_DAYS, type Subscription } from './subscription.ts'

/** "lifecycl" in ASCII as an int8. */
const LOCK = 0x6c69_6665_6379_636cn
/** In one run; the next takes the rest. */
const REMINDERS_MAX = 500
const PAGE = 200
const REFUND_DAYS_MAX = 90

export interface DailyOptions {
  readonly db: Pick<Db, 'lock'>
  readonly store: SubscriptionStore
  readonly lifecycle: Lifecycle
  readonly accounts: AccountsDomain
  readonly audit: AuditLog
  readonly letters: Pick<Letters, 'send'>
  /** Undefined: the module is off. */
  readonly affiliates: Affiliates | undefined
  readonly supportUrl: string | undefined
  /** Told of one part that failed; the others go on, and the next run tries again. */
  readonly onError: (error: unknown) => void
}

/** Does what is due today; does nothing when another process is at it. Repeatable at any time. */
export async function runDaily(options: DailyOptions): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const lock = await options.db.lock(LOCK, () => {})
  if (lock === undefined) return
  stack.use(lock)
  const parts = [
    liftSuspensions,
    suspendOverdue,
    reinstatePaid,
    remindAll,
    endWindows,
    eraseRefunds,
    forgetSpent,
    runAffiliates,
  ]
  for (const part of parts) await part(options).catch(options.onError)
}

async function liftSuspensions({ accounts, audit }: DailyOptions): Promise<void> {
  for (const id of await accounts.liftEndedSuspensions())
    await audit.note({
      actor: { kind: 'system' },
      action: 'account.restore',
      target: { kind: 'account', id },
    })
}

async function suspendOverdue({ store, lifecycle, onError }: DailyOptions): Promise<void> {
  for (let after: string | undefined; ;) {
    const due = await store.suspendable(lifecycle.today(), after, PAGE)
    for (const { subject } of due) if (subject !== undefined) await lifecycle.apply(subject).catch(onError)
    after = due.at(-1)?.id
    if (due.length < PAGE) return
  }
}

/** What was paid while an organisation above was suspended could not be reinstated then. */
async function reinstatePaid({ accounts, lifecycle, onError }: DailyOptions): Promise<void> {
  for (let cursor: string | undefined; ;) {
    const page = await accounts.organisations.list({ cursor, limit: PAGE })
    for (const { id, reason } of page.items)
      if (reason === PAYMENT) await lifecycle.apply({ kind: 'organisation', id }).catch(onError)
    cursor = page.next
    if (cursor === undefined) break
  }
  for (let cursor: string | undefined; ;) {
    const page = await accounts.list({ cursor, limit: PAGE, reason: PAYMENT })
    for (const { id } of page.items) await lifecycle.apply({ kind: 'account', id }).catch(onError)
    cursor = page.next
    if (cursor === undefined) return
  }
}

async function remindAll(options: DailyOptions): Promise<void> {
  for (const reminder of ['suspension', 'renewal'] as const) {
    const today = options.lifecycle.today()
    const until = addDays(today, REMINDER_DAYS)
    const due = await options.store.remindable(reminder, today, until, REMINDERS_MAX)
    for (const subscription of due) await remind(options, subscription, reminder).catch(options.onError)
  }
}

/** Noted once all have been told: a crash in between makes a second letter rather than none. Of an organisation the billing system is told, which knows whom to write to. */
async function remind(options: DailyOptions, subscription: Subscription, reminder: Reminder): Promise<void> {
  const { lifecycle, letters, supportUrl } = options
  const day = reminder === 'renewal' ? subscription.renewsOn : subscription.suspendsOn
  if (day === undefined) return
  const to = await addressOf(options, subscription)
  if (to !== undefined) await letters.send(reminderLetter({ to, reminder, day, supportUrl }))
  await lifecycle.reminded(subscription, reminder, day)
}

async function addressOf({ accounts }: DailyOptions, { subject }: Subscription): Promise<string | undefined> {
  if (subject?.kind !== 'account') return undefined
  const account = await accounts.findById(subject.id)
  return account?.state === 'active' ? account.jid.toString() : undefined
}

async function endWindows({ accounts, audit, onError }: DailyOptions): Promise<void> {
  for (const { id, jid } of await accounts.leavingToday()) {
    const action = { action: 'account.terminate', target: { kind: 'account', id } }
    await recorded(audit, action, () => accounts.terminate(jid)).catch(onError)
  }
}

async function eraseRefunds({ store, lifecycle }: DailyOptions): Promise<void> {
  await store.eraseRefunds(addDays(lifecycle.today(), -REFUND_DAYS_MAX))
}

function forgetSpent({ accounts }: DailyOptions): Promise<void> {
  return accounts.organisations.forgetSpent()
}

async function runAffiliates({ affiliates }: DailyOptions): Promise<void> {
  await affiliates?.run()
}
