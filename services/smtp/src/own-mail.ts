/** Short mails of the relay itself, through its own queue: without a reverse-path, so that nobody is told about them (RFC 5321 §4.5.5). */
import { type EmailAddress, MailHeader, formatAddress } from '@sealpost/mail'
import type { Clock, Random } from '@sealpost/runtime'
import { formatDate } from './mail-date.ts'
import type { MailQueue } from './queue/mail-queue.ts'
import type { Envelope } from './reception/stage.ts'

export interface Letter {
  /** The name before the address. */
  readonly from: string
  readonly subject: string
  /** Of at most 76 characters where they can be. */
  readonly lines: readonly string[]
}

export interface OwnMail {
  /** Durable when it resolves. Throws QueueError. */
  send(to: EmailAddress, letter: Letter): Promise<void>
}

export interface OwnMailOptions {
  readonly queue: () => MailQueue
  /** Our first domain, in A-labels. */
  readonly host: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: Random
}

export function ownMail({ queue, host, clock, random }: OwnMailOptions): OwnMail {
  return {
    async send(to, { from, subject, lines }) {
      const header = MailHeader.empty()
      header.append('Date', formatDate(clock.now()))
      header.append('From', `${from} <MAILER-DAEMON@${host}>`)
      header.append('To', `<${formatAddress(to)}>`)
      header.append('Subject', subject)
      header.append('Message-ID', `<${random.token(18)}@${host}>`)
      header.append('Auto-Submitted', 'auto-generated') // RFC 3834 §5
      header.append('MIME-Version', '1.0')
      header.append('Content-Type', 'text/plain; charset=utf-8')
      header.append('Content-Transfer-Encoding', '8bit')
      await using draft = queue().draft()
      await draft.write(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
      await draft.finish()
      await queue().enqueue({ account: undefined, envelope: toOne(to), header: header.toBuffer(), draft })
    },
  }
}

function toOne(address: EmailAddress): Envelope {
  return {
    sender: undefined,
    recipients: [{ address, notify: ['never'], originalRecipient: undefined }],
    smtpUtf8: /[^\p{ASCII}]/u.test(address.local),
    eightBit: true,
    requireTls: false,
    returnContent: undefined,
    envelopeId: undefined,
  }
}
