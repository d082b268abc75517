/** Mails that were just accepted, for their first attempts: what is still in memory need not be read and opened again. */
import type { OpenMail } from './kept-mail.ts'

const BYTES_MAX = 32 * 1024 * 1024
/** Of a mail beside its header and body. */
const OVERHEAD_BYTES = 4096

export class HotMails {
  readonly #mails = new Map<string, { readonly mail: OpenMail; readonly bytes: number; takers: number }>()
  #bytes = 0

  /** `takers`: how often it will be asked for. When there is no room it is not kept, and has to be read. */
  add(mail: OpenMail, takers: number): void {
    const bytes = OVERHEAD_BYTES + mail.heldBytes
    if (takers === 0 || this.#bytes + bytes > BYTES_MAX) return
    this.#bytes += bytes
    this.#mails.set(mail.kept.id, { mail, bytes, takers })
  }

  take(id: string): OpenMail | undefined {
    const entry = this.#mails.get(id)
    if (entry === undefined) return undefined
    entry.takers -= 1
    if (entry.takers === 0) this.drop(id)
    return entry.mail
  }

  drop(id: string): void {
    this.#bytes -= this.#mails.get(id)?.bytes ?? 0
    this.#mails.delete(id)
  }
}
