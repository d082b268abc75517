/** Owner of promises that nobody awaits: their failure is reported, and stopping can wait for them. */
export class Supervisor {
  readonly #onError: (error: unknown) => void
  readonly #running = new Set<Promise<void>>()

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Takes over a background promise. */
  spawn(task: Promise<unknown>): void {
    const supervised = task.then(
      () => undefined,
      (error: unknown) => this.#onError(error),
    )
    this.#running.add(supervised)
    void supervised.finally(() => this.#running.delete(supervised))
  }

  /** How many are under way. */
  get size(): number {
    return this.#running.size
  }

  /** Resolves when none is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
