/** What RCPT gets. The relay does not take mail yet, so that it cannot lose any: whoever may send here is asked to try again later. */
import { domainToASCII } from 'node:url'
import { SmtpReply } from './smtp-reply.ts'

const reject = {
  relay: () => new SmtpReply(550, '5.7.1', 'Relaying denied'), // RFC 3463 §3.8
  later: () => new SmtpReply(451, '4.3.2', 'System not accepting mail at the moment'), // RFC 3463 §3.4
} as const

/** The refusal for one recipient. `signedIn`: the sender has proven to be one of our users. */
export function refuseRecipient(
  address: string,
  { signedIn, domains }: { signedIn: boolean; domains: readonly string[] },
): SmtpReply {
  const domain = domainToASCII(address.slice(address.lastIndexOf('@') + 1))
  const local = domain !== '' && domains.some((ours) => domainToASCII(ours) === domain)
  return signedIn || local ? reject.later() : reject.relay()
}
