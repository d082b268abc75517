/** Things by the time they are due, the earliest first. */
export class TimeHeap<T> {
  readonly #items: { readonly at: number; readonly item: T }[] = []

  get size(): number {
    return this.#items.length
  }

  /** When the earliest is due. */
  get next(): number | undefined {
    return this.#items[0]?.at
  }

  add(at: number, item: T): void {
    const items = this.#items
    let place = items.length
    items.push({ at, item })
    for (let parent = (place - 1) >> 1; place > 0 && this.#at(parent) > at; parent = (place - 1) >> 1) {
      this.#swap(place, parent)
      place = parent
    }
  }

  /** The earliest, when it is due at `now`. */
  take(now: number): T | undefined {
    const [first] = this.#items
    if (first === undefined || first.at > now) return undefined
    const last = this.#items.pop()
    if (last !== undefined && this.#items.length > 0) {
      this.#items[0] = last
      this.#sink()
    }
    return first.item
  }

  #sink(): void {
    for (let place = 0; ;) {
      const left = 2 * place + 1
      const right = left + 1
      let least = place
      if (this.#at(left) < this.#at(least)) least = left
      if (this.#at(right) < this.#at(least)) least = right
      if (least === place) return
      this.#swap(place, least)
      place = least
    }
  }

  #at(place: number): number {
    return this.#items[place]?.at ?? Number.POSITIVE_INFINITY
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#items[a], this.#items[b]]
    if (first === undefined || second === undefined) return
    this.#items[a] = second
    this.#items[b] = first
  }
}
