/** What whoever runs this server has to know at once, as a mail to postmaster@ our first domain, through our own queue. */
import { MailHeader } from '@sealpost/mail'
import { errorCode } from '@sealpost/errors'
import { Budget, type Clock, type Random, type Supervisor } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import { formatDate } from '../mail-date.ts'
import type { MailQueue } from '../queue/mail-queue.ts'

export interface OperatorNoticesOptions {
  readonly queue: () => MailQueue
  /** Our first domain, in A-labels. */
  readonly host: string
  readonly clock: Clock
  readonly random: Random
  readonly supervisor: Supervisor
  readonly events: Pick<SmtpEvents, 'operatorTold'>
}

/** Beyond it the events alone tell. */
const AT_ONCE = { burst: 20, perSecond: 20 / 3_600 }

export class OperatorNotices {
  readonly #options: OperatorNoticesOptions
  readonly #budget: Budget

  constructor(options: OperatorNoticesOptions) {
    this.#options = options
    this.#budget = new Budget(AT_ONCE, options.clock.monotonic())
  }

  /** Returns at once. `lines`: of at most 76 characters where they can be. */
  tell(subject: string, lines: readonly string[]): void {
    const { clock, supervisor, events } = this.#options
    if (!this.#budget.take(clock.monotonic())) return events.operatorTold('limited')
    supervisor.spawn(this.#send(subject, lines))
  }

  async #send(subject: string, lines: readonly string[]): Promise<void> {
    const { queue, host, clock, random, events } = this.#options
    const header = MailHeader.empty()
    header.append('Date', formatDate(clock.now()))
    header.append('From', `Mail relay <MAILER-DAEMON@${host}>`)
    header.append('To', `<postmaster@${host}>`)
    header.append('Subject', subject)
    header.append('Message-ID', `<${random.token(18)}@${host}>`)
    header.append('Auto-Submitted', 'auto-generated') // RFC 3834 §5
    header.append('MIME-Version', '1.0')
    header.append('Content-Type', 'text/plain; charset=utf-8')
    header.append('Content-Transfer-Encoding', '8bit')
    try {
      await using draft = queue().draft()
      await draft.write(Buffer.from(lines.map((line) => `${line}\r\n`).join('')))
      await draft.finish()
      await queue().enqueue({
        account: undefined,
        envelope: toPostmaster(host),
        header: header.toBuffer(),
        draft,
      })
      events.operatorTold('accepted')
    } catch (error) {
      events.operatorTold(errorCode(error))
    }
  }
}

/** Without a reverse-path: nobody is told about notices. */
function toPostmaster(domain: string) {
  const address = { local: 'postmaster', domain }
  return {
    sender: undefined,
    recipients: [{ address, notify: ['never'] as const, originalRecipient: undefined }],
    smtpUtf8: false,
    eightBit: true,
    requireTls: false,
    returnContent: undefined,
    envelopeId: undefined,
  }
}
