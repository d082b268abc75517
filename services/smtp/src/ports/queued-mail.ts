/** What other services send goes through the queue like any other mail. */
import { MailHeader, parseAddress } from '@sealpost/mail'
import { type Mail, MailError, type OutgoingMail } from '@sealpost/ports'
import { errorCode } from '@sealpost/errors'
import type { SmtpEvents } from '../events.ts'
import type { MailQueue } from '../queue/mail-queue.ts'
import type { Envelope } from '../reception/stage.ts'

export interface QueuedMailOptions {
  readonly queue: MailQueue
  readonly events: Pick<SmtpEvents, 'sent'>
}

const HEADER_END = '\r\n\r\n'
const EIGHT_BIT = /[\u0080-\u{10FFFF}]/u

export function queuedMail({ queue, events }: QueuedMailOptions): Mail {
  return {
    async send(mail) {
      try {
        await enqueue(queue, mail)
        events.sent('accepted')
      } catch (error) {
        const refusal = error instanceof MailError ? error : new MailError('MAIL_DEFERRED', { cause: error })
        events.sent(errorCode(refusal))
        throw refusal
      }
    },
  }
}

async function enqueue(queue: MailQueue, { sender, recipient, message }: OutgoingMail): Promise<void> {
  const [from, address] = [parseAddress(sender), parseAddress(recipient)]
  const text = withCrlf(message)
  const end = text.indexOf(HEADER_END)
  const header = MailHeader.parse(text.subarray(0, end + HEADER_END.length))
  if (from === undefined || address === undefined || header === undefined || end === -1)
    throw new MailError('MAIL_REFUSED')
  const envelope: Envelope = {
    sender: from,
    recipients: [{ address, notify: undefined, originalRecipient: undefined }],
    smtpUtf8: EIGHT_BIT.test(from.local + address.local),
    eightBit: true,
    requireTls: false,
    returnContent: undefined,
    envelopeId: undefined,
  }
  await using draft = queue.draft()
  await draft.write(text.subarray(end + HEADER_END.length))
  await draft.finish()
  await queue.enqueue({ account: undefined, envelope, header: header.toBuffer(), draft })
}

/** RFC 5322 §2.3: CR and LF occur together only. */
function withCrlf(message: Buffer): Buffer {
  return Buffer.from(message.toString('latin1').replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1')
}
