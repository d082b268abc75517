/**
 * RFC 5321 §4.5.1: mail to postmaster and abuse is taken from everybody, whatever else is said of them. What one client sends is bounded, so that nobody fills the desk
 * against all others.
 */
import { Blinding, type BudgetRate, Budgets, clientNetwork, type Clock, type Random } from '@sealpost/runtime'
import type { Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { isForOperator, isOperatorAddress } from './recipients.ts'

const MIB = 1024 * 1024
/** Of a mail to nobody else. A report has the mail that it is about in it. */
const MIB_MAX = 16

const reject = {
  full: () => new SmtpReply(452, '4.2.2', 'The mailbox is full'), // RFC 3463 §3.3
  tooMany: () => new SmtpReply(450, '4.7.1', 'Too many mails to whoever runs this server, try again later'), // RFC 3463 §3.8
  tooLarge: () =>
    new SmtpReply(552, '5.3.4', `Mail to whoever runs this server may have ${String(MIB_MAX)} MiB`), // RFC 3463 §3.4
} as const

const PER_CLIENT: BudgetRate = { burst: 30, perSecond: 1 / 60 }
/** Clients remembered; beyond it the one not seen for longest is forgotten. */
const CLIENTS_MAX = 50_000

export interface OperatorMailOptions {
  /** Whether there is no room for another mail. */
  readonly isDeskFull: () => Promise<boolean>
  readonly domains: readonly string[]
  readonly clock: Clock
  readonly random: Random
}

export function operatorMailStage({
  isDeskFull,
  domains,
  clock,
  random,
}: OperatorMailOptions): Stage & Disposable {
  const mails = new Budgets(PER_CLIENT, CLIENTS_MAX, clock)
  const blinding = new Blinding(clock, random, () => mails.clear())
  return {
    name: 'operator-mail',
    async recipient({ address: client, trusted }, _envelope, { address }) {
      if (!isOperatorAddress(address, domains)) return undefined
      if (await isDeskFull()) return reject.full()
      return trusted || mails.take(blinding.blind('client', clientNetwork(client)))
        ? undefined
        : reject.tooMany()
    },
    message({ client, envelope }, { header, bodyBytes }) {
      const isTooLarge = header.length + bodyBytes > MIB_MAX * MIB
      return !client.trusted && isTooLarge && isForOperator(envelope, domains) ? reject.tooLarge() : undefined
    },
    [Symbol.dispose]() {
      mails[Symbol.dispose]()
      blinding[Symbol.dispose]()
    },
  }
}
