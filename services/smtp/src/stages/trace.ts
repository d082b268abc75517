/** RFC 5321 §4.4 and §6.3: the trace of mail from other servers, and the end of mails that go in circles. Their address stands in the mail, and nowhere else. */
import { isIPv6 } from 'node:net'
import type { Clock } from '@sealpost/runtime'
import { formatDate } from '../mail-date.ts'
import type { Client, Stage, Transaction } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

/** RFC 5321 §6.3: at least 100. */
const HOPS_MAX = 100

const loop = () => new SmtpReply(554, '5.4.6', 'Too many hops') // RFC 3463 §3.5

/** Of EHLO: domain or address literal. Anything else could be read as something else in the field. */
const HELO = /^(?:[\w-]+(?:\.[\w-]+)*\.?|\[[\da-fA-F.:]+\]|\[IPv6:[\da-fA-F.:]+\])$/

/** `host`: our name. */
export function traceStage({ host, clock }: { host: string; clock: Clock }): Stage {
  return {
    name: 'trace',
    header(transaction) {
      if (transaction.client.entrance !== 'mx') return undefined
      if (transaction.header.values('received').length >= HOPS_MAX) return loop()
      transaction.header.prepend('Received', received(transaction, host, clock.now()))
      return undefined
    },
  }
}

function received({ id, client, envelope }: Transaction, host: string, nowMs: number): string {
  const helo = HELO.test(client.helo) ? client.helo : 'unknown'
  // RFC 3848, RFC 6531 §4.3, RFC 8314 §4.3.
  const protocol = `${envelope.smtpUtf8 ? 'UTF8SMTP' : 'ESMTP'}${client.tls === undefined ? '' : 'S'}`
  const tls = client.tls === undefined ? '' : ` tls ${client.tls.cipher}`
  return [
    // The machines of a trusted network are nobody's business outside it.
    client.trusted ? 'from trusted' : `from ${helo} (${literal(client)})`,
    `\tby ${host} with ${protocol} id ${id}${tls};`,
    `\t${formatDate(nowMs)}`,
  ].join('\r\n')
}

/** RFC 5321 §4.1.3. */
function literal({ address }: Client): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return `[${isIPv6(plain) ? `IPv6:${plain}` : plain}]`
}
