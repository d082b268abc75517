/** Rows and files whose key is gone. Nobody can read them any more, so they are deleted at leisure, many together. */
import { errorCode } from '@sealpost/errors'
import { GarbageCollector } from '@sealpost/keyring'
import type { Log } from '@sealpost/log'
import type { KeptMail } from './kept-mail.ts'
import type { MailRows } from './mail-rows.ts'
import type { Spool } from './spool.ts'

export interface MailGarbageParts {
  readonly rows: Pick<MailRows, 'delete'>
  readonly spool: Pick<Spool, 'delete'>
  readonly log: Log
  /** Resolves when inserts that are under way have ended. */
  readonly insertsEnded: () => Promise<void>
}

export class MailGarbage {
  readonly #parts: MailGarbageParts
  readonly #collector: GarbageCollector
  readonly #files = new Map<string, string>()

  constructor(parts: MailGarbageParts) {
    this.#parts = parts
    this.#collector = new GarbageCollector({
      delete: (ids) => this.#delete(ids),
      insertsEnded: parts.insertsEnded,
    })
  }

  add({ id, spool }: Pick<KeptMail, 'id' | 'spool'>): void {
    if (spool !== undefined) this.#files.set(id, spool)
    this.#collector.add([id])
  }

  /** Resolves when everything added so far is deleted. Throws DbError; what is left stays for the next time. */
  async collect(): Promise<void> {
    await this.#collector.collect()
  }

  /** The same, when nobody waits for it. */
  async tidy(): Promise<void> {
    try {
      await this.collect()
    } catch (error) {
      this.#left(error)
    }
  }

  /** What cannot be deleted is unreadable all the same, and found at the next start. */
  async deleteFile(name: string): Promise<void> {
    try {
      await this.#parts.spool.delete(name)
    } catch (error) {
      this.#left(error)
    }
  }

  async #delete(ids: readonly string[]): Promise<number> {
    const deleted = await this.#parts.rows.delete(ids)
    for (const id of ids) {
      const file = this.#files.get(id)
      if (file === undefined) continue
      this.#files.delete(id)
      await this.deleteFile(file)
    }
    return deleted
  }

  #left(error: unknown): void {
    this.#parts.log.warn('mail_garbage_left', { code: errorCode(error) })
  }
}
