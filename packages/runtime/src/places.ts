/** Places that are taken for a while, bounded in all and for each who takes them. */

export interface PlacesLimits {
  /** Of all together; unbounded unless told. */
  readonly max?: number
  /** Of one key. */
  readonly keyMax: number
}

export class Places {
  readonly #limits: PlacesLimits
  readonly #taken = new Map<string, number>()
  #all = 0

  constructor(limits: PlacesLimits) {
    this.#limits = limits
  }

  /** A place, until it is disposed, once; undefined: there is none left. */
  take(key: string): Disposable | undefined {
    const { max = Infinity, keyMax } = this.#limits
    if (this.#all >= max || (this.#taken.get(key) ?? 0) >= keyMax) return undefined
    this.#count(key, 1)
    return { [Symbol.dispose]: () => this.#count(key, -1) }
  }

  #count(key: string, change: 1 | -1): void {
    const taken = (this.#taken.get(key) ?? 0) + change
    this.#all += change
    if (taken === 0) this.#taken.delete(key)
    else this.#taken.set(key, taken)
  }
}
