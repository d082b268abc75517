/** Connections between two mails: the next mail to the same server need not begin anew. */
import type { Clock } from '@sealpost/runtime'
import type { SmtpSession } from './smtp-session.ts'

const IDLE_MS_MAX = 5_000
const IDLE_MAX = 100
/** Some servers count. */
const MAILS_MAX = 100

export class SessionCache implements Disposable {
  readonly #clock: Clock
  readonly #idle = new Map<string, { readonly session: SmtpSession; readonly until: Disposable }[]>()
  #count = 0
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  take(key: string): SmtpSession | undefined {
    for (;;) {
      const entry = this.#idle.get(key)?.pop()
      if (entry === undefined) {
        this.#idle.delete(key)
        return undefined
      }
      entry.until[Symbol.dispose]()
      this.#count -= 1
      if (entry.session.isOpen) return entry.session
      entry.session.quit()
    }
  }

  /** Keeps it for a while if it can be used again, or says goodbye. */
  giveBack(key: string, session: SmtpSession): void {
    const isUsable = session.isOpen && session.isClean && session.mails < MAILS_MAX
    if (!isUsable || this.#closed || this.#count >= IDLE_MAX) return session.quit()
    const until = this.#clock.after(IDLE_MS_MAX, () => this.#drop(key, session))
    this.#count += 1
    const idle = this.#idle.get(key)
    if (idle === undefined) this.#idle.set(key, [{ session, until }])
    else idle.push({ session, until })
  }

  [Symbol.dispose](): void {
    this.#closed = true
    for (const { session, until } of [...this.#idle.values()].flat()) {
      until[Symbol.dispose]()
      session.quit()
    }
    this.#idle.clear()
    this.#count = 0
  }

  #drop(key: string, session: SmtpSession): void {
    const idle = this.#idle.get(key)
    const place = idle?.findIndex((entry) => entry.session === session) ?? -1
    if (idle === undefined || place === -1) return
    idle.splice(place, 1)
    this.#count -= 1
    if (idle.length === 0) this.#idle.delete(key)
    session.quit()
  }
}
