/** What whoever runs this server has to know at once, as a mail to postmaster@ our first domain. */
import { errorCode } from '@sealpost/errors'
import { Budget, type Clock, type Supervisor } from '@sealpost/runtime'
import type { SmtpEvents } from '../events.ts'
import type { OwnMail } from '../own-mail.ts'

export interface OperatorNoticesOptions {
  readonly mail: OwnMail
  /** Our first domain, in A-labels. */
  readonly host: string
  readonly clock: Pick<Clock, 'monotonic'>
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
    const { mail, host, events } = this.#options
    try {
      await mail.send({ local: 'postmaster', domain: host }, { from: 'Mail relay', subject, lines })
      events.operatorTold('accepted')
    } catch (error) {
      events.operatorTold(errorCode(error))
    }
  }
}
