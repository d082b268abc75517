/**
 * The counts of days that are not reported yet, kept as mails are: sealed under a key in the keyring, which is destroyed with them. Each is written anew when it has
 * changed, and what was written before is destroyed; so a report that was sent cannot be read again, nor a day that is over its time.
 */
import { DbError } from '@sealpost/db'
import type { Clock } from '@sealpost/runtime'
import type { KeptMail } from '../queue/kept-mail.ts'
import type { MailStore } from '../queue/mail-store.ts'
import { keepNote, notesOf, readNote } from '../queue/note.ts'
import { DAY_MS, DayCounts } from './day-counts.ts'

/** After the end of the day: RFC 8460 §5.5 has a day for further attempts, begun in the first four hours. */
export const KEPT_MS = 30 * 60 * 60_000
/** Of what `DayCounts` holds at most, each character six bytes in JSON. */
const BYTES_MAX = 64 * 1024 * 1024

export class SealedDays {
  readonly #store: MailStore
  readonly #clock: Clock
  readonly #kept = new Map<DayCounts, KeptMail>()

  constructor(store: MailStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** What was kept before; of two of one day the later. What cannot be read any more is told and destroyed: nobody else misses it. Throws DbError. */
  async open(onUnreadable: (error: unknown) => void): Promise<DayCounts[]> {
    const found = new Map<string, DayCounts>()
    for (const kept of notesOf(this.#store, 'reports')) {
      const day = await this.#read(kept).catch((error: unknown) => {
        if (error instanceof DbError) throw error
        onUnreadable(error)
        this.#store.shred(kept)
        return undefined
      })
      if (day === undefined) continue
      this.#kept.set(day, kept)
      const key = `${day.kind} ${day.day}`
      const other = found.get(key)
      const isLater = other === undefined || other.revision < day.revision
      if (isLater) found.set(key, day)
      const older = isLater ? other : day
      if (older !== undefined) this.destroy(older)
    }
    return [...found.values()]
  }

  /** Durable when it resolves, and what was kept of it before unreadable. Throws QueueError, DbError. */
  async save(day: DayCounts): Promise<void> {
    if (day.domains.length === 0) return this.destroy(day)
    const left = day.begin + DAY_MS + KEPT_MS - this.#clock.now()
    if (left <= 0) return this.destroy(day)
    day.isChanged = false
    day.revision += 1
    try {
      const note = { place: 'reports', keepSeconds: Math.ceil(left / 1000) } as const
      const kept = await keepNote(this.#store, note, day.encode())
      this.destroy(day)
      this.#kept.set(day, kept)
    } catch (error) {
      day.isChanged = true
      throw error
    }
  }

  /** Unreadable when it returns, on disk within milliseconds. */
  destroy(day: DayCounts): void {
    const kept = this.#kept.get(day)
    if (kept !== undefined) this.#store.shred(kept)
    this.#kept.delete(day)
  }

  async #read(kept: KeptMail): Promise<DayCounts | undefined> {
    const bytes = await readNote(this.#store, kept, BYTES_MAX)
    return bytes === undefined ? undefined : DayCounts.decode(bytes)
  }
}
