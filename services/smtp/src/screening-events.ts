/** What screening counts. */
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { FeedbackType } from '@sealpost/ports'

const BLOCKLIST_ANSWERS = ['listed', 'clean', 'misconfigured', 'failed'] as const

export interface ScreeningEvents {
  /** A mail from outside was judged by DMARC; what was done for its policy's sake. */
  senderJudged(dmarc: string, disposition: 'none' | 'quarantine' | 'reject'): void
  /** One blocklist was asked about one client. */
  blocklistAnswered(outcome: (typeof BLOCKLIST_ANSWERS)[number]): void
  /** A stranger's recipient: whether it was asked to come again. */
  greylisted(greylisted: boolean): void
  /** A scanner's verdict, or the code of its failure. */
  scanned(scanner: string, outcome: string): void
  /** An account of ours was stopped: an administrator has to look at it. */
  accountSuspended(cause: string): void
  /** Another operator reported mail from here (RFC 5965). */
  feedbackReported(type: FeedbackType): void
  /** A mail to postmaster@ or abuse@: somebody has it, it waits at the desk, or there is no room. */
  operatorMail(outcome: 'delivered' | 'desk' | 'full'): void
  /** An administrator was told of something by mail, or the code of the error. */
  operatorTold(outcome: string): void
  /** How often blocklists have addresses of ours now. */
  ownAddressesListed(listings: number): void
}

export function screeningEvents({ log, metrics }: { log: Log; metrics: Metrics }): ScreeningEvents {
  const judged = metrics.counter('smtp_senders_judged_total', 'Mails judged by DMARC', [
    'dmarc',
    'disposition',
  ])
  const blocklists = metrics.counter('smtp_blocklist_questions_total', 'Questions to blocklists', ['outcome'])
  for (const outcome of BLOCKLIST_ANSWERS) blocklists.inc({ outcome }, 0)
  const greylist = metrics.counter('smtp_greylist_total', 'Recipients of strangers', ['outcome'])
  for (const outcome of ['deferred', 'passed']) greylist.inc({ outcome }, 0)
  const scans = metrics.counter('smtp_scans_total', 'Mails scanned', ['scanner', 'outcome'])
  const suspended = metrics.counter(
    'smtp_accounts_suspended_total',
    'Accounts suspended for what they sent',
    ['cause'],
  )
  const feedback = metrics.counter('smtp_feedback_reports_total', 'Reports of mail from here', ['type'])
  const operator = metrics.counter('smtp_operator_mails_total', 'Mails to postmaster and abuse', ['outcome'])
  const told = metrics.counter('smtp_operator_notices_total', 'Notices to postmaster', ['outcome'])
  const ownListings = metrics.gauge('smtp_own_addresses_listed', 'Listings of our own addresses')
  return {
    senderJudged: (dmarc, disposition) => judged.inc({ dmarc, disposition }),
    blocklistAnswered: (outcome) => blocklists.inc({ outcome }),
    greylisted: (greylisted) => greylist.inc({ outcome: greylisted ? 'deferred' : 'passed' }),
    scanned: (scanner, outcome) => scans.inc({ scanner, outcome }),
    operatorMail: (outcome) => operator.inc({ outcome }),
    operatorTold: (outcome) => told.inc({ outcome }),
    feedbackReported: (type) => feedback.inc({ type }),
    ownAddressesListed: (listings) => {
      ownListings.set(listings)
      if (listings > 0) log.warn('smtp_own_address_listed', { count: listings })
    },
    accountSuspended: (cause) => {
      suspended.inc({ cause })
      log.warn('smtp_account_suspended', { kind: cause })
    },
  }
}
