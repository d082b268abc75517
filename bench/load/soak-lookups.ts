/** Lookups of the benchmark `soak`: by fingerprint and by address in turn, over connections that are kept. */
import { Asker, requestMaker } from './asker.ts'
import type { Path } from './path.ts'

const CONNECTIONS = 16
/** Lookups that wait for a connection; more, and the server does not keep up. */
const WAITING_MAX = 10_000

export class Lookups implements Disposable {
  readonly #path: Path
  readonly #askers: readonly Asker[]
  /** The one that has rested longest is next, so that none rests until the server closes it. */
  readonly #idle: Asker[]
  readonly #waiting: number[] = []
  readonly #makers: readonly (() => string)[]
  #next = 0

  private constructor(path: Path, askers: readonly Asker[], certificates: number) {
    this.#path = path
    this.#askers = askers
    this.#idle = [...askers]
    this.#makers = (['fingerprint', 'address'] as const).map((kind) => requestMaker({ kind, certificates }))
  }

  static async open(port: number, path: Path, certificates: number): Promise<Lookups> {
    const askers = Array.from({ length: CONNECTIONS }, () => Asker.open(port))
    return new Lookups(path, await Promise.all(askers), certificates)
  }

  start(perSecond: number): Disposable {
    return this.#path.start(perSecond, (dueAt) => {
      const asker = this.#idle.shift()
      if (asker !== undefined) this.#ask(asker, dueAt)
      else if (this.#waiting.push(dueAt) > WAITING_MAX) throw new Error('the server does not keep up')
    })
  }

  [Symbol.dispose](): void {
    for (const asker of this.#askers) asker.end()
  }

  #ask(asker: Asker, dueAt: number): void {
    const request = this.#makers[this.#next++ % this.#makers.length]?.() ?? ''
    asker.ask(request, () => {
      this.#path.took(performance.now() - dueAt)
      const earlier = this.#waiting.shift()
      if (earlier === undefined) this.#idle.push(asker)
      else this.#ask(asker, earlier)
    })
  }
}
