/** Nobody forges: what one of our users sends, in the envelope and in the header, names that user's address and no other (RFC 5322 §3.6.2, §3.6.6). */
import type { Account } from '@sealpost/accounts'
import { type EmailAddress, type MailHeader, parseAddressList } from '@sealpost/mail'
import { mailboxJid } from '../local-mailbox.ts'
import type { Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const reject = {
  sender: () => new SmtpReply(553, '5.7.1', 'The sender must be your own address'), // RFC 3463 §3.8
  from: () => new SmtpReply(550, '5.7.1', 'There must be exactly one From, and it must be your own address'),
  other: () =>
    new SmtpReply(550, '5.7.1', 'Sender, Reply-To and Resent fields must have your own address only'),
} as const

/** From whom the mail says it is, besides From. */
const ORIGINATORS = ['sender', 'reply-to', 'resent-from', 'resent-sender', 'resent-reply-to']

export function ownAddressesStage({ domains }: { domains: readonly string[] }): Stage {
  const isOwn = (account: Account, address: EmailAddress): boolean =>
    mailboxJid(address, domains)?.equals(account.jid) === true
  const allOwn = (account: Account, values: readonly string[]): boolean =>
    values.every((value) => parseAddressList(value)?.every((address) => isOwn(account, address)) === true)

  return {
    name: 'own-addresses',
    sender({ account }, { sender }) {
      // The null sender is for notifications (RFC 8098 §3), and nobody's name.
      if (account === undefined || sender === undefined || isOwn(account, sender)) return undefined
      return reject.sender()
    },
    header({ client: { account }, header }) {
      if (account === undefined) return undefined
      const from = soleAddress(header)
      if (from === undefined || !isOwn(account, from)) return reject.from()
      return ORIGINATORS.every((name) => allOwn(account, header.values(name))) ? undefined : reject.other()
    },
  }
}

/** RFC 5322 would allow several authors. */
function soleAddress(header: MailHeader): EmailAddress | undefined {
  const fields = header.values('from')
  const addresses = fields.length === 1 ? parseAddressList(fields[0] ?? '') : undefined
  return addresses?.length === 1 ? addresses[0] : undefined
}
