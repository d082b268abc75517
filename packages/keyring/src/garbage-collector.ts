/** Deletes rows whose key is gone. They cannot be read any more, so this may wait, and happens in batches. */
const BATCH_ROWS_MAX = 1000

export interface GarbageCollectorOptions {
  readonly delete: (ids: readonly string[]) => Promise<number>
  /** Resolves when inserts that are under way have ended: a row must not arrive after it was deleted. */
  readonly insertsEnded: () => Promise<void>
}

export class GarbageCollector {
  readonly #options: GarbageCollectorOptions
  #ids: string[] = []
  #running: Promise<number> | undefined

  constructor(options: GarbageCollectorOptions) {
    this.#options = options
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.push(id)
  }

  /** Deletes what was garbage when it was called; returns how many rows were. What fails stays for the next time. */
  async collect(): Promise<number> {
    await this.#running?.catch(() => undefined)
    this.#running = this.#collect()
    return this.#running
  }

  async #collect(): Promise<number> {
    const ids = this.#ids
    this.#ids = []
    let deleted = 0
    for (let start = 0; start < ids.length; start += BATCH_ROWS_MAX) {
      try {
        await this.#options.insertsEnded()
        deleted += await this.#options.delete(ids.slice(start, start + BATCH_ROWS_MAX))
      } catch (error) {
        this.#ids = [...ids.slice(start), ...this.#ids]
        throw error
      }
    }
    return deleted
  }
}
