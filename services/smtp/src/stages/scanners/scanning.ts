/** What scanners say of a mail, and what follows: strangers are refused and remembered, an account of ours that sends such is stopped. */
import type { Account } from '@sealpost/accounts'
import type { Clock } from '@sealpost/runtime'
import { errorCode } from '@sealpost/errors'
import type { Content } from '../../content.ts'
import type { SmtpEvents } from '../../events.ts'
import type { Stage, Transaction } from '../../reception/stage.ts'
import { SmtpReply } from '../../smtp-reply.ts'
import { isForOperator } from '../recipients.ts'
import { markAsSpam } from '../spam-mark.ts'
import { type ClamdPlace, scanWithClamav } from './clamav.ts'
import { scanWithRspamd } from './rspamd.ts'
import { type ScannerFailure, scannerUnavailable } from './scanner.ts'

const reject = {
  malware: () => new SmtpReply(550, '5.7.1', 'The mail contains malware'), // RFC 3463 §3.8
  spam: () => new SmtpReply(550, '5.7.1', 'The mail is taken for spam'), // RFC 3463 §3.8
  later: () => new SmtpReply(451, '4.7.1', 'Not now, try again later'), // RFC 3463 §3.8
} as const

export type SpamCause = 'malware' | 'spam'

export interface ScanningOptions {
  readonly clamav: { readonly place: ClamdPlace; readonly onFailure: ScannerFailure } | undefined
  readonly rspamd: { readonly url: URL; readonly onFailure: ScannerFailure } | undefined
  /** Somebody outside sent spam. */
  readonly onStranger: (transaction: Transaction) => void
  /** An account of ours did. Resolves when it is stopped. */
  readonly onAccount: (account: Account, cause: SpamCause) => Promise<void>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'scanned'>
}

export function scanningStages(options: ScanningOptions): Stage[] {
  const { clamav, rspamd, domains, clock, events } = options

  const blame = async (transaction: Transaction, cause: SpamCause): Promise<void> => {
    const { account } = transaction.client
    if (account === undefined) options.onStranger(transaction)
    else await options.onAccount(account, cause)
  }
  const unavailable = (scanner: string, error: unknown, onFailure: ScannerFailure): SmtpReply | undefined => {
    events.scanned(scanner, errorCode(error))
    return onFailure === 'defer' ? scannerUnavailable() : undefined
  }
  const clamavStage = ({ place, onFailure }: NonNullable<typeof clamav>): Stage => ({
    name: 'clamav',
    async message(transaction, content: Content) {
      if (isForOperator(transaction.envelope, domains)) return undefined
      let found: boolean
      try {
        found = await scanWithClamav(content, place, clock)
      } catch (error) {
        return unavailable('clamav', error, onFailure)
      }
      events.scanned('clamav', found ? 'malware' : 'clean')
      if (!found) return undefined
      await blame(transaction, 'malware')
      return reject.malware()
    },
  })
  const rspamdStage = ({ url, onFailure }: NonNullable<typeof rspamd>): Stage => ({
    name: 'rspamd',
    async message(transaction, content: Content) {
      if (isForOperator(transaction.envelope, domains)) return undefined
      let action
      try {
        action = await scanWithRspamd(transaction, content, { url, clock })
      } catch (error) {
        return unavailable('rspamd', error, onFailure)
      }
      events.scanned('rspamd', action)
      if (action === 'mark') markAsSpam(transaction.header, 'rspamd')
      if (action === 'defer') return reject.later()
      if (action !== 'reject') return undefined
      await blame(transaction, 'spam')
      return reject.spam()
    },
  })
  return [
    ...(clamav === undefined ? [] : [clamavStage(clamav)]),
    ...(rspamd === undefined ? [] : [rspamdStage(rspamd)]),
  ]
}
