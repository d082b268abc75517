/** Bounds connections that have not signed in: beyond it new ones are closed at once, and those inside go on. */
export class Gate<T extends object> {
  readonly #waiting = new Set<T>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  get full(): boolean {
    return this.#waiting.size >= this.#max
  }

  enter(visitor: T): void {
    this.#waiting.add(visitor)
  }

  /** It signed in, or left. */
  leave(visitor: T): void {
    this.#waiting.delete(visitor)
  }
}
