/** An account of ours that sends spam is stopped at once: suspended, so that its sessions end and its queue is held; and put on the list for review. */
import type { Account, AccountsDomain, MailReviewReason } from '@sealpost/accounts'
import type { SmtpEvents } from '../events.ts'

const REASON = 'spam'

export type AbuseCause = MailReviewReason & ('spam' | 'malware' | 'bounces')

export interface SuspensionOptions {
  readonly accounts: Pick<AccountsDomain, 'suspend' | 'mailConduct'>
  readonly events: Pick<SmtpEvents, 'accountSuspended'>
}

/** Resolves when the account is suspended. Whoever follows the accounts closes sessions and holds mail. */
export function createSuspension({
  accounts,
  events,
}: SuspensionOptions): (account: Account, cause: AbuseCause) => Promise<void> {
  return async (account, cause) => {
    await accounts.suspend(account.jid, REASON)
    events.accountSuspended(cause)
    await accounts.mailConduct.notice(account.id, cause)
  }
}
