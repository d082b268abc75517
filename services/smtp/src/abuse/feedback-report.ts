/**
 * RFC 5965: reports of other operators that mail from here was complained about, as they come to abuse@ and postmaster@. Counted by type; whom they are about is for
 * whoever reads the mail.
 */
import { MailHeader } from '@sealpost/mail'
import { FEEDBACK_TYPES, type FeedbackType } from '@sealpost/ports'
import type { SmtpEvents } from '../events.ts'
import type { Stage } from '../reception/stage.ts'
import { transactionNote } from '../reception/stage.ts'
import { isRoleAddress } from '../stages/recipients.ts'

/** The part of the report comes second, behind a few words for a person. */
export const FEEDBACK_LOOKED_AT_BYTES = 64 * 1024

/** Of the Content-Type of a whole mail. */
export function isFeedbackReport(header: MailHeader): boolean {
  const type = header.value('content-type') ?? ''
  return /^multipart\/report\b/i.test(type) && /;\s*report-type\s*=\s*"?feedback-report\b/i.test(type)
}

/** The type that the part `message/feedback-report` names in the beginning of a body; undefined when it has no such part. */
export function feedbackType(body: string): FeedbackType | undefined {
  const place = body.search(/^content-type:[ \t]*message\/feedback-report\b/im)
  const blank = place === -1 ? -1 : body.indexOf('\r\n\r\n', place)
  if (blank === -1) return undefined
  const end = body.indexOf('\r\n--', blank + 2)
  const part = body.slice(blank + 4, end === -1 ? undefined : Math.max(end, blank + 4))
  const fields = MailHeader.parse(Buffer.from(part))
  const named = fields?.value('feedback-type')?.toLowerCase()
  if (named === undefined) return undefined
  return FEEDBACK_TYPES.find((type) => type === named) ?? 'other'
}

const seen = transactionNote<FeedbackType>('feedback report')

export function feedbackReportStage(events: Pick<SmtpEvents, 'feedbackReported'>): Stage {
  return {
    name: 'feedback-report',
    watch(transaction) {
      const { envelope, header } = transaction
      if (!envelope.recipients.some(({ address }) => isRoleAddress(address)) || !isFeedbackReport(header))
        return undefined
      let beginning = ''
      return {
        write(chunk) {
          const room = FEEDBACK_LOOKED_AT_BYTES - beginning.length
          if (room > 0) beginning += chunk.toString('latin1', 0, room)
          return undefined
        },
        end() {
          const type = feedbackType(beginning)
          if (type !== undefined) seen.set(transaction, type)
          return undefined
        },
      }
    },
    accepted(transaction) {
      const type = seen.get(transaction)
      if (type !== undefined) events.feedbackReported(type)
    },
  }
}
