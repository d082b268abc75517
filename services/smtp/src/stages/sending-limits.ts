/**
 * How much an account may send: messages and recipients an hour and a day, and people it writes to for the first time. Counted in memory, so that nothing
 * about when somebody writes is kept; a restart gives everybody all of it again. Whoever has too much is told to come again (450), not that the mail is bad.
 * What an organisation may send in a day is counted by the database, for all its accounts together.
 */
import { isDeepStrictEqual } from 'node:util'
import type { MailConduct, Organisations, Plans } from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import type { EmailAddress } from '@sealpost/mail'
import { Budget, type Clock, Supervisor } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import type { Lists } from '../lists/lists.ts'
import { restricted, type SendingPlan, withLimits } from '../limits/sending-plan.ts'
import type { Client, Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { isListMail } from './list-mail.ts'
import type { KnownRecipients } from '../limits/known-recipients.ts'

const reject = {
  recipients: () => new SmtpReply(452, '4.5.3', 'Too many recipients'), // RFC 5321 §4.5.3.1.10
  messages: () => new SmtpReply(450, '4.7.1', 'You have sent as much as you may for now, try again later'),
  ofOrganisation: () =>
    new SmtpReply(450, '4.7.1', 'Your organisation has sent as much as it may today, try again tomorrow'),
  newRecipients: () =>
    new SmtpReply(
      450,
      '4.7.1',
      'You have written to as many new recipients as you may for now, try again later',
    ),
  bulk: (max: number) =>
    new SmtpReply(
      550,
      '5.7.1',
      `More than ${String(max)} recipients that you have not written to and that have not confirmed: see /v1/me/lists`,
    ), // RFC 3463 §3.8
} as const

const HOUR_SECONDS = 3_600
const DAY_SECONDS = 24 * HOUR_SECONDS
const SWEEP_MS = 10 * 60_000
const DAY_MS = DAY_SECONDS * 1000
/** Recipients that are being remembered; beyond it those of a mail stay new. */
const REMEMBERING_MAX = 1_000

export interface SendingLimitsOptions {
  /** Of whoever has no other. */
  readonly plan: SendingPlan
  readonly plans: Pick<Plans, 'of'>
  /** Restrictions by an administrator. */
  readonly conduct: Pick<MailConduct, 'limit'>
  readonly organisations: Pick<Organisations, 'spend'>
  /** Who has confirmed to want mail of a list of the account is nobody new. */
  readonly lists: Pick<Lists, 'unconfirmed'>
  readonly known: Pick<KnownRecipients, 'countNew' | 'remember' | 'forget'>
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'stageFailed'>
}

/** Of one account. */
interface Account {
  /** By which it is counted. */
  readonly plan: SendingPlan
  readonly messages: readonly Budget[]
  readonly recipients: readonly Budget[]
  readonly newRecipients: Budget
  readonly listMails: readonly Budget[]
}

const NAME = 'sending-limits'

export function sendingLimitsStage(options: SendingLimitsOptions): Stage & AsyncDisposable {
  const { conduct, organisations, known, clock } = options
  const accounts = new Accounts(clock)
  const onError = (error: unknown): void => options.events.stageFailed(NAME, errorCode(error))
  const supervisor = new Supervisor(onError)
  const forgetting = clock.every(DAY_MS, () => supervisor.spawn(known.forget(dayOf(clock.now()))))
  let remembering = 0
  const remember = async (...parameters: Parameters<KnownRecipients['remember']>): Promise<void> => {
    if (remembering >= REMEMBERING_MAX) return
    remembering += 1
    await known.remember(...parameters).finally(() => {
      remembering -= 1
    })
  }

  const planOf = async (accountId: string): Promise<SendingPlan> => {
    const [{ limits }, restriction] = await Promise.all([
      options.plans.of(accountId),
      conduct.limit(accountId),
    ])
    return restricted(withLimits(options.plan, limits), restriction)
  }
  const takeMail = async (accountId: string, plan: SendingPlan, recipients: readonly EmailAddress[]) => {
    const newRecipients = await countNew(options, accountId, recipients)
    if (newRecipients > plan.newRecipientsPerMessage) return reject.bulk(plan.newRecipientsPerMessage)
    return accounts.take(accountId, plan, { recipients: recipients.length, newRecipients })
  }
  /** Of the mail that each client is sending. */
  const inForce = new WeakMap<Client, SendingPlan>()

  return {
    name: NAME,
    async sender(client) {
      if (client.account !== undefined) inForce.set(client, await planOf(client.account.id))
      return undefined
    },
    recipient(client, { recipients }) {
      const plan = inForce.get(client)
      return plan !== undefined && recipients.length >= plan.recipientsPerMessage
        ? reject.recipients()
        : undefined
    },
    async header(transaction) {
      const { client, envelope } = transaction
      const { account } = client
      if (account === undefined) return undefined
      const plan = inForce.get(client) ?? (await planOf(account.id))
      const recipients = envelope.recipients.map(({ address }) => address)
      const refused =
        isListMail.get(transaction) === true
          ? accounts.takeListMail(account.id, plan)
          : await takeMail(account.id, plan, recipients)
      if (refused !== undefined) return refused
      const hasRoom = await organisations.spend(account.id, 'mails_per_day', 1)
      return hasRoom ? undefined : reject.ofOrganisation()
    },
    accepted(transaction) {
      const { client, envelope } = transaction
      const { account } = client
      if (account === undefined || isListMail.get(transaction) === true) return
      const recipients = envelope.recipients.map(({ address }) => address)
      supervisor.spawn(remember(account.id, recipients, dayOf(clock.now())))
    },
    async [Symbol.asyncDispose]() {
      forgetting[Symbol.dispose]()
      accounts[Symbol.dispose]()
      await supervisor.idle()
    },
  }
}

/** Who has confirmed to want mail of a list is nobody new. */
async function countNew(
  { known, lists }: Pick<SendingLimitsOptions, 'known' | 'lists'>,
  accountId: string,
  recipients: readonly EmailAddress[],
): Promise<number> {
  const all = await known.countNew(accountId, recipients)
  if (all === 0) return 0
  const others = await lists.unconfirmed(accountId, recipients)
  return others.length === recipients.length ? all : await known.countNew(accountId, others)
}

interface Mail {
  readonly recipients: number
  readonly newRecipients: number
}

/** Those who have sent something lately. Nobody who still owes is forgotten: there are never more than have sent a mail in a day. */
class Accounts implements Disposable {
  readonly #clock: Clock
  readonly #accounts = new Map<string, Account>()
  readonly #sweeping: Disposable

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sweeping = clock.every(SWEEP_MS, () => this.#sweep())
  }

  /** Counts one mail; the refusal, and nothing is counted, when it is too much. */
  take(id: string, plan: SendingPlan, { recipients, newRecipients }: Mail): SmtpReply | undefined {
    const now = this.#clock.monotonic()
    const account = this.#of(id, plan, now)
    if (!account.messages.every((each) => each.allows(now))) return reject.messages()
    if (!account.recipients.every((each) => each.allows(now, recipients))) return reject.messages()
    if (!account.newRecipients.take(now, newRecipients)) return reject.newRecipients()
    for (const each of account.messages) each.take(now)
    for (const each of account.recipients) each.take(now, recipients)
    this.#accounts.set(id, account)
    return undefined
  }

  takeListMail(id: string, plan: SendingPlan): SmtpReply | undefined {
    const now = this.#clock.monotonic()
    const account = this.#of(id, plan, now)
    if (!account.listMails.every((each) => each.allows(now))) return reject.messages()
    for (const each of account.listMails) each.take(now)
    this.#accounts.set(id, account)
    return undefined
  }

  #of(id: string, plan: SendingPlan, now: number): Account {
    const before = this.#accounts.get(id)
    return before !== undefined && isDeepStrictEqual(before.plan, plan) ? before : make(plan, now)
  }

  #sweep(): void {
    const now = this.#clock.monotonic()
    for (const [id, { messages, recipients, newRecipients, listMails }] of this.#accounts)
      if ([...messages, ...recipients, newRecipients, ...listMails].every((each) => each.isFull(now)))
        this.#accounts.delete(id)
  }

  [Symbol.dispose](): void {
    this.#sweeping[Symbol.dispose]()
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** All of it, as after a restart: so it is when limits change, too. */
function make(plan: SendingPlan, now: number): Account {
  const of = (burst: number, seconds: number): Budget =>
    new Budget({ burst, perSecond: burst / seconds }, now)
  const [ofDay, listMails] = [of(plan.messagesPerDay, DAY_SECONDS), of(plan.listMailsPerDay, DAY_SECONDS)]
  return {
    plan,
    messages: [of(plan.messagesPerHour, HOUR_SECONDS), ofDay],
    recipients: [of(plan.recipientsPerHour, HOUR_SECONDS), of(plan.recipientsPerDay, DAY_SECONDS)],
    newRecipients: of(plan.newRecipientsPerDay, DAY_SECONDS),
    listMails: plan.restriction === undefined ? [listMails] : [listMails, ofDay],
  }
}
