/**
 * RFC 5321: hands single mails on to the server that takes all outgoing ones, at once, within limits of time. Nothing is kept and nothing tried again:
 * whoever sends is told. TLS where it is offered (RFC 3207), and then verified, unless the server is this machine.
 */
import { errorCode } from '@sealpost/errors'
import { MailError, type Mail, type OutgoingMail } from '@sealpost/ports'
import type { Clock } from '@sealpost/runtime'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { SmtpEvents } from './events.ts'

export interface Smarthost {
  readonly host: string
  readonly port: number
}

export interface SmarthostOptions {
  /** Undefined: nobody takes outgoing mail. */
  readonly smarthost: Smarthost | undefined
  /** Said in EHLO. */
  readonly name: string
  readonly clock: Clock
  readonly events: Pick<SmtpEvents, 'sent'>
}

/** Mails under way at once; more are told to come again. */
const SENDING_MAX = 16
const CONNECT_MS_MAX = 10_000
const IDLE_MS_MAX = 15_000
/** Of one mail altogether. */
const SEND_MS_MAX = 30_000
const REPLY_BYTES_MAX = 64 * 1024
/** RFC 8314 §7.3: submissions, TLS from the first byte. */
const TLS_PORT = 465
const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/

export function smarthostMail(options: SmarthostOptions): Mail {
  const { smarthost, events } = options
  let sending = 0
  const send = async (mail: OutgoingMail): Promise<void> => {
    if (smarthost === undefined) throw new MailError('MAIL_NO_WAY_OUT')
    if (sending >= SENDING_MAX) throw new MailError('MAIL_DEFERRED')
    sending += 1
    try {
      await transfer(mail, smarthost, options)
    } finally {
      sending -= 1
    }
  }
  return {
    async send(mail) {
      try {
        await send(mail)
        events.sent('accepted')
      } catch (error) {
        events.sent(errorCode(error))
        throw error
      }
    },
  }
}

async function transfer(
  mail: OutgoingMail,
  { host, port }: Smarthost,
  { name, clock }: SmarthostOptions,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const connection = new SMTPConnection({
    host,
    port,
    name,
    secure: port === TLS_PORT,
    tls: { rejectUnauthorized: !LOOPBACK.test(host) },
    connectionTimeout: CONNECT_MS_MAX,
    greetingTimeout: CONNECT_MS_MAX,
    dnsTimeout: CONNECT_MS_MAX,
    socketTimeout: IDLE_MS_MAX,
    socketCloseTimeout: 0,
    maxResponseSize: REPLY_BYTES_MAX,
    allowInternalNetworkInterfaces: true,
  })
  const fail = (error: unknown): void => reject(toMailError(error))
  const limit = clock.after(SEND_MS_MAX, () => fail(undefined))
  connection.on('error', fail)
  connection.once('end', () => fail(undefined))
  connection.connect((error) => {
    if (error !== undefined && error !== null) return fail(error)
    const envelope = { from: mail.sender, to: [mail.recipient], use8BitMime: true }
    connection.send(envelope, mail.message, (failure) => (failure === null ? resolve() : fail(failure)))
  })
  try {
    await promise
    connection.quit()
  } catch (error) {
    connection.close()
    throw error
  } finally {
    limit[Symbol.dispose]()
  }
}

/** RFC 5321 §4.2.1: what begins with 5 is for good. Everything else may go another time. */
function toMailError(cause: unknown): MailError {
  const { responseCode } = (cause ?? {}) as { responseCode?: unknown }
  const refused = typeof responseCode === 'number' && responseCode >= 500
  return new MailError(refused ? 'MAIL_REFUSED' : 'MAIL_DEFERRED', { cause })
}
