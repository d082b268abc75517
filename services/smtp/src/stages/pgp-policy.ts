/**
 * Keeps readable mail from those who take or send encrypted mail alone, and takes off encrypted mail of our users what tells about it outside. Recipients of one
 * mail from elsewhere must want the same, so that its reply is true for each of them.
 */
import type { Accounts } from '@sealpost/accounts'
import { encryptionReader, isDeliveryReport, pgpMimeDisguise, type Encryption } from '@sealpost/mail'
import { mailboxJid } from '../local-mailbox.ts'
import { ENCRYPTED_HERE } from '../pgp/encrypted-mail.ts'
import type { PgpPolicy } from '../pgp/pgp-policy.ts'
import type { RecipientKeys } from '../pgp/recipient-keys.ts'
import { transactionNote, type Client, type EnvelopeRecipient, type Stage } from '../reception/stage.ts'
import type { Transaction } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'
import { reportKind } from '../reports/report-addresses.ts'
import { isRoleAddress } from './recipients.ts'

const HOW = 'encrypt the whole mail with OpenPGP (PGP/MIME, RFC 3156) and send it again'

/** RFC 3463 §3.8. X.7.10, "Encryption needed", is about signing in (RFC 5248, RFC 4954 §6). */
const reject = {
  sender: () =>
    new SmtpReply(550, '5.7.1', `Encryption needed: your account sends encrypted mail only; ${HOW}`),
  recipient: () =>
    new SmtpReply(550, '5.7.1', `Encryption needed: the recipient takes encrypted mail only; ${HOW}`),
  noKey: () =>
    new SmtpReply(550, '5.7.1', `Encryption needed: the recipient has no key here to encrypt to; ${HOW}`),
  noKeyNow: () => new SmtpReply(450, '4.7.1', `Encryption needed: the recipient has no key here yet; ${HOW}`),
  // RFC 5321 §4.5.3.1.10: the client sends the rest in another transaction.
  apart: () => new SmtpReply(452, '4.5.3', 'Send to this recipient in another transaction'),
} as const

/** What is wanted of a mail; undefined: nothing. */
type Demand = Exclude<keyof typeof reject, 'apart'>
const STRICTEST_FIRST: readonly Demand[] = ['sender', 'recipient', 'noKey', 'noKeyNow']

const demandNote = transactionNote<Demand>('pgp-policy')

export interface PgpPolicyStageOptions {
  readonly accounts: Pick<Accounts, 'find'>
  readonly policy: Pick<PgpPolicy, 'of'>
  readonly keys: Pick<RecipientKeys, 'find'>
  readonly domains: readonly string[]
}

export function pgpPolicyStage(options: PgpPolicyStageOptions): Stage {
  const known = new WeakMap<EnvelopeRecipient, Demand | 'none'>()
  const demandOf = async (recipient: EnvelopeRecipient): Promise<Demand | 'none'> => {
    const before = known.get(recipient)
    if (before !== undefined) return before
    const demand = await recipientDemand(recipient, options)
    known.set(recipient, demand)
    return demand
  }
  return {
    name: 'pgp-policy',
    async recipient(client, { recipients: [first] }, recipient) {
      const demand = await demandOf(recipient)
      const together =
        client.account !== undefined || first === undefined || (await demandOf(first)) === demand
      return together ? undefined : reject.apart()
    },
    async header(transaction) {
      const { client, envelope, header } = transaction
      header.remove(ENCRYPTED_HERE)
      const demands = await Promise.all([senderDemand(client, options), ...envelope.recipients.map(demandOf)])
      const demand = STRICTEST_FIRST.find((each) => demands.includes(each))
      if (demand === undefined || isReport(transaction)) return undefined
      if (encryptionReader(header) === undefined) return reject[demand]()
      demandNote.set(transaction, demand)
      return undefined
    },
    transform({ client, header }) {
      return client.account === undefined ? undefined : pgpMimeDisguise(header)
    },
    watch(transaction) {
      const demand = demandNote.get(transaction)
      const reader = demand === undefined ? undefined : encryptionReader(transaction.header)
      if (demand === undefined || reader === undefined) return undefined
      return {
        write: (chunk) => {
          reader.write(chunk)
          return undefined
        },
        end: () => (isEnough(reader.end(), demand) ? undefined : reject[demand]()),
      }
    },
  }
}

async function senderDemand(
  { account }: Client,
  { policy }: PgpPolicyStageOptions,
): Promise<Demand | 'none'> {
  return account !== undefined && (await policy.of(account)).mode === 'required' ? 'sender' : 'none'
}

async function recipientDemand(
  { address }: EnvelopeRecipient,
  { accounts, policy, keys, domains }: PgpPolicyStageOptions,
): Promise<Demand | 'none'> {
  const isNobodys = isRoleAddress(address) || reportKind(address) !== undefined
  const jid = isNobodys ? undefined : mailboxJid(address, domains)
  const account = jid && (await accounts.find(jid))
  if (account === undefined) return 'none'
  const { mode, onMissingKey } = await policy.of(account)
  if (mode === 'required') return 'recipient'
  if (mode === 'optional' || onMissingKey === 'plain') return 'none'
  const { result } = await keys.find(account.jid.toString())
  if (result !== 'none') return 'none'
  return onMissingKey === 'refuse' ? 'noKey' : 'noKeyNow'
}

/** What a mail server reports cannot be encrypted, says little, and is let through. */
function isReport({ client, envelope, header }: Transaction): boolean {
  return client.account === undefined && envelope.sender === undefined && isDeliveryReport(header)
}

/** Where only encrypted mail is taken, the whole must be: of a text that is one message, header and subject of the sender's are not. */
function isEnough(encryption: Encryption | undefined, demand: Demand): boolean {
  if (encryption === undefined) return false
  if (demand === 'noKey' || demand === 'noKeyNow') return true
  return encryption.kind === 'pgp-mime' || encryption.kind === 'secure-join'
}
