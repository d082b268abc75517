/** RFC 3464: what became of a mail, as a mail to its sender. RFC 3461 §6: what it must and must not say. RFC 3834 §5: marked as sent by a program. */
import { type EmailAddress, MailHeader, formatAddress } from '@sealpost/mail'
import type { Random } from '@sealpost/runtime'
import type { MailQueue } from '../queue/mail-queue.ts'
import type { Reply } from '../queue/mail-record.ts'
import type { OpenMail } from '../queue/kept-mail.ts'
import type { Notice, NoticeAction, Reporter } from '../queue/notices.ts'
import type { Envelope } from '../reception/stage.ts'

export interface ReporterOptions {
  readonly queue: () => MailQueue
  /** Our name, and the domain of MAILER-DAEMON. */
  readonly host: string
  readonly random: Random
  readonly now: () => number
}

const SUBJECTS: Readonly<Record<NoticeAction, string>> = {
  failed: 'Undelivered mail returned to sender',
  delayed: 'Your mail is delayed',
  delivered: 'Your mail was delivered',
  relayed: 'Your mail was passed on',
}
const SAYS: Readonly<Record<NoticeAction, string>> = {
  failed: 'could not be delivered. It will not be tried again.',
  delayed: 'could not be delivered yet. There is nothing to do: it will be tried further.',
  delivered: 'was delivered.',
  relayed: 'was passed on to a server that does not promise to report what becomes of it.',
}
/** Of the returned header section: enough to know the mail by. */
const HEADER_BYTES_MAX = 64 * 1024

/** Puts reports into the queue: without a reverse-path (RFC 5321 §4.5.5), so that they are never answered. */
export function createReporter({ queue, host, random, now }: ReporterOptions): Reporter {
  return {
    async report(mail, notices, retryUntil) {
      const { sender } = mail.envelope
      if (sender === undefined) return
      const outbox = queue()
      for (const action of ['failed', 'delayed', 'delivered', 'relayed'] as const) {
        const told = notices.filter((notice) => notice.action === action)
        if (told.length === 0) continue
        const { header, body } = writeReport(mail, told, {
          host,
          date: now(),
          retryUntil,
          boundary: random.token(18),
          messageId: `${random.token(18)}@${host}`,
        })
        await using draft = outbox.draft()
        await draft.write(body)
        await draft.finish()
        await outbox.enqueue({
          account: undefined,
          envelope: toSender(sender, mail.envelope),
          header,
          draft,
          isReport: true,
        })
      }
    },
  }
}

function toSender(sender: EmailAddress, { smtpUtf8 }: Envelope): Envelope {
  return {
    sender: undefined,
    // RFC 3461 §6.1: nobody is told about reports.
    recipients: [{ address: sender, notify: ['never'], originalRecipient: undefined }],
    smtpUtf8,
    eightBit: true,
    requireTls: false,
    returnContent: undefined,
    envelopeId: undefined,
  }
}

export interface ReportParts {
  readonly host: string
  /** Milliseconds since the epoch. */
  readonly date: number
  readonly retryUntil: number
  readonly boundary: string
  /** Without angle brackets. */
  readonly messageId: string
}

/** All notices have the same action. */
export function writeReport(
  mail: OpenMail,
  notices: readonly Notice[],
  { host, date, retryUntil, boundary, messageId }: ReportParts,
): { header: Buffer; body: Buffer } {
  const action = notices[0]?.action ?? 'failed'
  const { sender } = mail.envelope
  const header = MailHeader.empty()
  header.append('Date', dateTime(date))
  header.append('From', `Mail delivery <MAILER-DAEMON@${host}>`)
  header.append('To', `<${sender === undefined ? '' : formatAddress(sender)}>`)
  header.append('Subject', SUBJECTS[action])
  header.append('Message-ID', `<${messageId}>`)
  header.append('Auto-Submitted', 'auto-replied')
  header.append('MIME-Version', '1.0')
  header.append('Content-Type', `multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"`)
  const body = parts(boundary, [
    ['text/plain; charset=utf-8', '8bit', prose(action, notices, retryUntil)],
    ['message/delivery-status', '8bit', deliveryStatus(mail, notices, { host, retryUntil })],
    // RFC 3461 §6.2: never more than was asked for; the content is often ciphertext, and always known to its sender.
    ['text/rfc822-headers', '8bit', returned(mail.content.header)],
  ])
  return { header: header.toBuffer(), body }
}

function parts(
  boundary: string,
  all: readonly (readonly [type: string, encoding: string, text: string])[],
): Buffer {
  const written = all.map(
    ([type, encoding, text]) =>
      `--${boundary}\r\nContent-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${text}\r\n`,
  )
  return Buffer.from(`${written.join('')}--${boundary}--\r\n`)
}

function prose(action: NoticeAction, notices: readonly Notice[], retryUntil: number): string {
  const until = action === 'delayed' ? [`It is given up at ${dateTime(retryUntil)}.`, ''] : []
  const each = notices.flatMap(({ recipient, reply }) => [
    formatAddress(recipient.address, { unicode: true }),
    ...(reply === undefined ? [] : [`    ${explained(reply)}`]),
  ])
  return lines(['Your mail to', '', ...each, '', SAYS[action], '', ...until])
}

function explained({ host, code, status, text }: Reply): string {
  const said = text.replaceAll('\n', ' ')
  return host === undefined ? said : `${host} said: ${String(code)} ${status} ${said}`
}

/** RFC 3464 §2.1: fields of the mail, then those of each recipient, an empty line between them. */
function deliveryStatus(
  { kept, envelope }: OpenMail,
  notices: readonly Notice[],
  { host, retryUntil }: { host: string; retryUntil: number },
): string {
  const ofMail = [
    ...(envelope.envelopeId === undefined ? [] : [`Original-Envelope-Id: ${clean(envelope.envelopeId)}`]),
    `Reporting-MTA: dns; ${host}`,
    `Arrival-Date: ${dateTime(kept.acceptedAt)}`,
  ]
  const ofEach = notices.map(({ recipient, action, status, reply }) => [
    ...(recipient.originalRecipient === undefined
      ? []
      : [`Original-Recipient: ${clean(recipient.originalRecipient)}`]),
    `Final-Recipient: ${addressType(recipient.address)}; ${formatAddress(recipient.address)}`,
    `Action: ${action}`,
    `Status: ${status}`,
    ...(reply?.host === undefined
      ? []
      : [
          `Remote-MTA: dns; ${reply.host}`,
          `Diagnostic-Code: smtp; ${String(reply.code)} ${reply.status} ${clean(reply.text)}`,
        ]),
    ...(action === 'delayed' ? [`Will-Retry-Until: ${dateTime(retryUntil)}`] : []),
  ])
  return [ofMail, ...ofEach].map((group) => lines([...group, ''])).join('')
}

/** RFC 6533 §3: addresses beyond ASCII have a type of their own. */
function addressType({ local }: EmailAddress): string {
  return /^\p{ASCII}*$/u.test(local) ? 'rfc822' : 'utf-8'
}

function returned(header: Buffer): string {
  const cut = header.subarray(0, HEADER_BYTES_MAX)
  const end = cut.length < header.length ? cut.lastIndexOf('\r\n') + 2 : cut.length
  return cut.subarray(0, end).toString('utf8')
}

/** RFC 5322 §3.3. */
function dateTime(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000')
}

/** On one line, whatever a server or a client has put into it. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ')
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\r\n`).join('')
}
