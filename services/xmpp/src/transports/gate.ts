/**
 * Bounds connections that have no session yet. When there are too many, the oldest has to go: who is really signing in
 * is through in a second, who only holds a place is not.
 */
export class Gate<T extends object> {
  /** In the order of their arrival. */
  readonly #waiting = new Set<T>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /** Returns who has to leave for the visitor; that one is not inside any more. */
  enter(visitor: T): T | undefined {
    this.#waiting.add(visitor)
    if (this.#waiting.size <= this.#max) return undefined
    const [oldest] = this.#waiting
    if (oldest) this.#waiting.delete(oldest)
    return oldest
  }

  /** It has a session, or is gone. */
  leave(visitor: T): void {
    this.#waiting.delete(visitor)
  }
}
