/**
 * Whom a mail from outside is from: SPF, DKIM, ARC and DMARC with the policy applied (RFC 9989 §5.4), and Authentication-Results (RFC 8601). Signatures are
 * made over the header as it came: this stage comes before those that change it.
 */
import type { SmtpEvents } from '../../events.ts'
import type { Resolver } from '../../dns/resolver.ts'
import type { Client, Envelope, Stage } from '../../reception/stage.ts'
import { transactionNote } from '../../reception/stage.ts'
import { SmtpReply } from '../../smtp-reply.ts'
import { isForOperator } from '../recipients.ts'
import { markAsSpam, removeSpamMarks } from '../spam-mark.ts'
import { removeForgedResults, writeResults } from './authentication-results.ts'
import type { ConnectionIdentity } from './connection-identity.ts'
import { mailauthResolver } from './mailauth-resolver.ts'
import { isTooComplex, SignatureCheck } from './signature-check.ts'
import { judge, methodResults, type SenderVerdict, senderVerdict } from './verdict.ts'

const reject = {
  policy: () => new SmtpReply(550, '5.7.1', 'Refused by the DMARC policy of the author’s domain'), // RFC 9989 §5.4
  author: () => new SmtpReply(550, '5.7.1', 'Exactly one From field with one author’s domain is required'), // RFC 9989 §11.5
  complex: () => new SmtpReply(550, '5.6.0', 'Header too complex'), // RFC 3463 §3.7
} as const

function refusalOf({ dmarc, disposition }: SenderVerdict): SmtpReply | undefined {
  if (dmarc === undefined) return reject.author()
  return disposition === 'reject' ? reject.policy() : undefined
}

export interface SenderAuthenticationOptions {
  readonly resolver: Resolver
  readonly identity: ConnectionIdentity
  /** The first one names this relay in the results. */
  readonly domains: readonly string[]
  readonly trustedSealers: readonly string[]
  readonly events: Pick<SmtpEvents, 'senderJudged'>
  /** Counts for reports to the author's domain; the disposition is what is done. */
  readonly onVerdict?: (client: Client, envelope: Envelope, verdict: SenderVerdict) => void
}

/** Whether a client is a stranger: neither signed in nor of a network that the operator trusts. */
export function isStranger(client: Client): boolean {
  return client.entrance === 'mx' && !client.trusted && client.account === undefined
}

const check = transactionNote<SignatureCheck>('signature check')

export function senderAuthentication(options: SenderAuthenticationOptions): Stage {
  const { domains, identity, events, trustedSealers } = options
  const resolver = mailauthResolver(options.resolver)
  const [authserv = 'localhost'] = domains
  return {
    name: 'sender-authentication',
    async header(transaction) {
      const { client, header } = transaction
      const complex = isStranger(client) && isTooComplex(header.fields)
      if (complex && !isForOperator(transaction.envelope, domains)) return reject.complex()
      // The header as it came, signatures and all, before anything is taken out.
      if (isStranger(client) && !complex)
        check.set(transaction, await SignatureCheck.begin(header.fields, resolver))
      removeForgedResults(header, domains)
      removeSpamMarks(header)
      return undefined
    },
    watch(transaction) {
      const checking = check.get(transaction)
      if (checking === undefined) return undefined
      return {
        write: (chunk) => {
          checking.write(chunk)
          return undefined
        },
        end: () => undefined,
      }
    },
    async message(transaction) {
      const checking = check.get(transaction)
      if (checking === undefined) return undefined
      const { client, envelope, header } = transaction
      const [spf, reverse, signatures] = await Promise.all([
        identity.spf(client, envelope.sender),
        identity.reverse(client),
        checking.finish(),
      ])
      const verdict = await judge(spf, signatures, { resolver, trustedSealers })
      senderVerdict.set(transaction, verdict)
      const isSpared = verdict.disposition === 'reject' && isForOperator(envelope, domains)
      options.onVerdict?.(client, envelope, isSpared ? { ...verdict, disposition: 'quarantine' } : verdict)
      events.senderJudged(verdict.dmarc?.status.result ?? 'none', verdict.disposition)
      writeResults(header, authserv, [
        ...methodResults(verdict),
        `iprev=${reverse.result} policy.iprev=${client.address}`,
      ])
      const refusal = refusalOf(verdict)
      if (refusal !== undefined && !isForOperator(envelope, domains)) return refusal
      if (refusal !== undefined || verdict.disposition === 'quarantine') markAsSpam(header, 'dmarc')
      return undefined
    },
  }
}
