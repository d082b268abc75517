/**
 * The terms' signs that a mailbox is used for something else: many large files sent, or several thousand messages or a gigabyte received in a day. Counted in memory by
 * day; who passes a bound is put before an administrator (`ctl account mail-reviews`), and nothing is refused for it.
 */
import { errorCode } from '@sealpost/errors'
import { type AccountsDomain, type MailReviewReason } from '@sealpost/accounts'
import { formatAddress } from '@sealpost/mail'
import { type Clock, Supervisor } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import { mailboxJid } from '../local-mailbox.ts'
import { type Stage, type Transaction, transactionNote } from '../reception/stage.ts'
import { largestAttachment } from './attachments.ts'

const MIB = 1024 * 1024

export interface ReviewBounds {
  readonly largeFileBytes: number
  readonly largeFilesPerDay: number
  readonly mailboxMessagesPerDay: number
  readonly mailboxBytesPerDay: number
}

const bounds: ReviewBounds = {
  largeFileBytes: 20 * MIB,
  largeFilesPerDay: 20,
  mailboxMessagesPerDay: 3_000,
  mailboxBytesPerDay: 1024 * MIB,
}

/** Who is counted in a day; those who come later are not. */
const COUNTED_MAX = 200_000

export interface MailReviewOptions {
  readonly accounts: Pick<AccountsDomain, 'find' | 'mailConduct'>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'stageFailed' | 'mailReviewed'>
  readonly bounds?: ReviewBounds
}

const NAME = 'mail-review'
const mailBytes = transactionNote<number>('mail bytes')

export function mailReviewStage(options: MailReviewOptions): Stage & AsyncDisposable {
  const { accounts, domains, clock, events } = options
  const limits = options.bounds ?? bounds
  const tallies = new DailyTallies(clock)
  const supervisor = new Supervisor((error) => events.stageFailed(NAME, errorCode(error)))

  const notice = async (accountId: string | undefined, reason: MailReviewReason): Promise<void> => {
    if (accountId === undefined) return
    await accounts.mailConduct.notice(accountId, reason)
    events.mailReviewed(reason)
  }
  const countFile = ({ client: { account } }: Transaction, bytes: number): void => {
    if (account === undefined || bytes < limits.largeFileBytes) return
    if (tallies.add(`files ${account.id}`, 1) === limits.largeFilesPerDay)
      supervisor.spawn(notice(account.id, 'large-files'))
  }
  const countReceived = ({ envelope }: Transaction, bytes: number): void => {
    for (const { address } of envelope.recipients) {
      const jid = mailboxJid(address, domains)
      if (jid === undefined) continue
      const name = formatAddress(address).toLowerCase()
      const find = async (): Promise<string | undefined> => (await accounts.find(jid))?.id
      const passes = (key: string, by: number, bound: number): boolean => {
        const sum = tallies.add(`${key} ${name}`, by)
        return sum >= bound && sum - by < bound
      }
      if (passes('messages', 1, limits.mailboxMessagesPerDay))
        supervisor.spawn(find().then((id) => notice(id, 'mailbox-messages')))
      if (passes('bytes', bytes, limits.mailboxBytesPerDay))
        supervisor.spawn(find().then((id) => notice(id, 'mailbox-bytes')))
    }
  }
  return {
    name: NAME,
    message(transaction, { header, bodyBytes }) {
      mailBytes.set(transaction, header.length + bodyBytes)
      return undefined
    },
    accepted(transaction) {
      countFile(transaction, largestAttachment.get(transaction) ?? 0)
      countReceived(transaction, mailBytes.get(transaction) ?? 0)
    },
    [Symbol.asyncDispose]: () => supervisor.idle(),
  }
}

class DailyTallies {
  readonly #clock: Clock
  readonly #sums = new Map<string, number>()
  #day = ''

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The sum of the day, this included. */
  add(key: string, by: number): number {
    const day = new Date(this.#clock.now()).toISOString().slice(0, 10)
    if (day !== this.#day) this.#sums.clear()
    this.#day = day
    const before = this.#sums.get(key)
    if (before === undefined && this.#sums.size >= COUNTED_MAX) return 0
    const sum = (before ?? 0) + by
    this.#sums.set(key, sum)
    return sum
  }
}
