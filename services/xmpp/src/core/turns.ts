/** Tasks of one key run one after the other; tasks of different keys do not wait for each other. */
export class Turns {
  /** The last task of each key that has one under way. */
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `task` when all earlier tasks of this key are over; whether they failed is not its business. */
  async take<T>(key: string, task: () => Promise<T>): Promise<T> {
    const turn = this.#after(this.#last.get(key), task)
    this.#last.set(key, turn)
    try {
      return await turn
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key)
    }
  }

  async #after<T>(earlier: Promise<unknown> | undefined, task: () => Promise<T>): Promise<T> {
    await earlier?.catch(() => undefined)
    return task()
  }
}
