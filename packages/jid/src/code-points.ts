/** Sets of Unicode code points that regular expressions have no property for, written as hexadecimal ranges. */

/** A set of code points, sorted and disjoint, with membership in logarithmic time. */
export class CodePointSet {
  readonly #starts: readonly number[]
  readonly #ends: readonly number[]

  /** `ranges` reads like `620-64A 66E`: hexadecimal, ascending, separated by spaces. */
  constructor(ranges: string) {
    const pairs = ranges
      .trim()
      .split(/\s+/)
      .map((range) => range.split('-').map((hex) => Number.parseInt(hex, 16)))
    this.#starts = pairs.map(([start]) => start ?? 0)
    this.#ends = pairs.map(([start, end]) => end ?? start ?? 0)
  }

  has(codePoint: number): boolean {
    let low = 0
    let high = this.#starts.length - 1
    while (low <= high) {
      const middle = (low + high) >> 1
      if (codePoint < (this.#starts[middle] ?? 0)) high = middle - 1
      else if (codePoint > (this.#ends[middle] ?? 0)) low = middle + 1
      else return true
    }
    return false
  }
}
