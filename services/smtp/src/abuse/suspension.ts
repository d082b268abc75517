/**
 * An account of ours that sends spam is stopped at once: suspended, so that its sessions end and its queue is held; put on the list for review; and whoever runs the
 * server is told by mail.
 */
import type { Account, AccountsDomain, MailReviewReason } from '@sealpost/accounts'
import type { SmtpEvents } from '../events.ts'
import type { OperatorNotices } from './operator-notices.ts'

const REASON = 'spam'

export type AbuseCause = MailReviewReason & ('spam' | 'malware' | 'bounces')

const CAUSES: Readonly<Record<AbuseCause, string>> = {
  spam: 'it sent a mail that the spam scanner rejects.',
  malware: 'it sent a mail in which the virus scanner found something.',
  bounces: 'too many of those it wrote to are not there or refuse its mail.',
}

export interface SuspensionOptions {
  readonly accounts: Pick<AccountsDomain, 'findById' | 'suspend' | 'mailConduct'>
  readonly notices: Pick<OperatorNotices, 'tell'>
  readonly events: Pick<SmtpEvents, 'accountSuspended'>
}

/** Resolves when the account is suspended. Whoever follows the accounts closes sessions and holds mail. */
export function createSuspension({
  accounts,
  notices,
  events,
}: SuspensionOptions): (account: Account, cause: AbuseCause) => Promise<void> {
  return async ({ id, jid }, cause) => {
    const before = await accounts.findById(id)
    if (before?.state !== 'active') return
    await accounts.suspend(jid, REASON)
    events.accountSuspended(cause)
    await accounts.mailConduct.notice(id, cause)
    notices.tell('An account was suspended', [
      `The account ${jid.toString()} was suspended:`,
      CAUSES[cause],
      '',
      'Its sessions are closed, and its mail that is not delivered yet is held:',
      '',
      `    ctl mail queue --account ${jid.toString()}`,
      `    ctl account restore ${jid.toString()}`,
      '',
      'Restoring it lets the held mail go; "ctl mail drop ID" destroys a mail.',
    ])
  }
}
