/** What may be read afterwards, and what may not: texts that occur nowhere else, each in one message, mail or session. */
import { randomBytes } from 'node:crypto'

export class Ledger {
  /** In every text: letters and digits only, and of a length that base64 keeps whole. */
  readonly mark = `canary${randomBytes(9).toString('hex')}`
  /** Delivered, fetched, expired, or over. */
  readonly gone = new Set<string>()
  readonly waiting = new Set<string>()
  #next = 0

  /** Waits from now on. */
  plant(): string {
    const text = `${this.mark}x${String(this.#next++).padStart(6, '0')}x`
    this.waiting.add(text)
    return text
  }

  isGone(text: string): void {
    this.waiting.delete(text)
    this.gone.add(text)
  }

  /** How many of the texts are in what was read. */
  found(texts: ReadonlySet<string>, plaintexts: readonly Buffer[]): number {
    const read = new Set<string>()
    const pattern = new RegExp(`${this.mark}x\\d{6}x`, 'g')
    for (const plaintext of plaintexts)
      for (const [text] of plaintext.toString('latin1').matchAll(pattern)) read.add(text)
    return [...texts].filter((text) => read.has(text)).length
  }
}
