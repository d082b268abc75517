/** While nothing can keep a mail, none is taken: whoever may send here is asked to come again. */
import type { MailQueue } from '../queue/mail-queue.ts'
import type { Stage } from '../reception/stage.ts'
import { SmtpReply } from '../smtp-reply.ts'

const later = () => new SmtpReply(451, '4.3.2', 'System not accepting mail at the moment') // RFC 3463 §3.4

export const closedStage: Stage = { name: 'closed', recipient: later }

/** Not reached while every recipient is refused. */
export const closedQueue: MailQueue = {
  draft: () => {
    throw later()
  },
  enqueue: () => Promise.reject(later()),
}
