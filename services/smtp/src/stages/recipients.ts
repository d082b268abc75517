/**
 * RFC 5321 §3.6 and §3.7.2: who may send to whom, told at RCPT, so that nothing has to be sent back later. Whether somebody exists must be told to whoever
 * has mail for them (550 5.1.1), but not to whoever tries names: docs/decisions/0011.
 */
import type { Accounts } from '@sealpost/accounts'
import type { EmailAddress } from '@sealpost/mail'
import { Blinding, type BudgetRate, Budgets, clientNetwork, type Clock, type Random } from '@sealpost/runtime'
import { isKeySender, isSubmissionAddress, localDomain, mailboxJid } from '../local-mailbox.ts'
import { reportKind } from '../reports/report-addresses.ts'
import type { Client, Envelope, Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const reject = {
  relay: () => new SmtpReply(550, '5.7.1', 'Relaying denied'), // RFC 3463 §3.8
  // The same for a name that nobody has, one that is suspended, and one that is not given again.
  unknown: () => new SmtpReply(550, '5.1.1', 'No such mailbox here'), // RFC 3463 §3.2
  unread: () => new SmtpReply(550, '5.1.1', 'Nobody reads mail to the key directory'), // RFC 3463 §3.2
  full: () => new SmtpReply(452, '4.2.2', 'The mailbox is full'), // RFC 3463 §3.3
  guessing: () => new SmtpReply(450, '4.7.1', 'Too many unknown recipients, try again later'), // RFC 3463 §3.8
} as const

/** RFC 5321 §4.5.1, RFC 2142 §4 and §5: these always take mail. */
const ALWAYS = new Set(['postmaster', 'abuse'])

/** Names that nobody has, for each client. Then it is asked to come again whatever the name, so that it learns nothing more. */
const UNKNOWN: BudgetRate = { burst: 25, perSecond: 1 / 60 }
/** Clients remembered; beyond it the one not seen for longest is forgotten. */
const CLIENTS_MAX = 50_000

export interface RecipientsOptions {
  readonly accounts: Pick<Accounts, 'find'>
  /** Whether there is no room for another mail; told at once, so that it need not be told by mail later. */
  readonly isFull: (accountId: string) => Promise<boolean>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
}

/** Whether mail to the address, if it is one of ours, is for whoever runs this server. */
export function isRoleAddress({ local }: EmailAddress): boolean {
  return ALWAYS.has(local.toLowerCase())
}

/** Whether it is one of ours that is for whoever runs this server. */
export function isOperatorAddress(address: EmailAddress, domains: readonly string[]): boolean {
  return isRoleAddress(address) && localDomain(address, domains) !== undefined
}

/** Whether a mail is for whoever runs this server and for nobody else: it is neither filtered nor scanned, since it may be about spam and malware. */
export function isForOperator({ recipients }: Envelope, domains: readonly string[]): boolean {
  return recipients.every(({ address }) => isOperatorAddress(address, domains))
}

export function recipientsStage(options: RecipientsOptions): Stage & Disposable {
  const { accounts, isFull, domains, clock, random } = options
  const unknown = new Budgets(UNKNOWN, CLIENTS_MAX, clock)
  const blinding = new Blinding(clock, random, () => unknown.clear())
  const keyOf = ({ account, address }: Client): string =>
    account === undefined
      ? blinding.blind('client', clientNetwork(address))
      : blinding.blind('account', account.id)

  return {
    name: 'recipients',
    async recipient(client, _envelope, { address }) {
      const mayRelay = client.account !== undefined || client.trusted
      if (localDomain(address, domains) === undefined) return mayRelay ? undefined : reject.relay()
      if (isRoleAddress(address)) return undefined
      if (isSubmissionAddress(address, domains)) return undefined
      if (reportKind(address) !== undefined) return undefined
      if (isKeySender(address, domains)) return undefined
      const key = keyOf(client)
      if (!client.trusted && !unknown.allows(key)) return reject.guessing()
      const jid = mailboxJid(address, domains)
      const account = jid && (await accounts.find(jid))
      if (account?.state === 'active') return (await isFull(account.id)) ? reject.full() : undefined
      unknown.take(key)
      return reject.unknown()
    },
    // Servers that call back to see whether a sender exists go as far as RCPT, and refuse mails of the key directory else.
    header: ({ envelope: { recipients } }) =>
      recipients.some(({ address }) => isKeySender(address, domains)) ? reject.unread() : undefined,
    [Symbol.dispose]() {
      unknown[Symbol.dispose]()
      blinding[Symbol.dispose]()
    },
  }
}
