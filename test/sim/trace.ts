import { createHash } from 'node:crypto'
import type { Clock } from '@sealpost/runtime'

/** What happened in a simulation, in order: hashed to show that a seed replays exactly, printed when a check fails. */
export class Trace {
  step = 0
  /** The first one. Whoever finds it may do so inside the relay, which catches what its handlers throw. */
  violation: Violation | undefined
  readonly #clock: Clock
  readonly #events: { readonly who: string; readonly text: string }[] = []
  readonly #hash = createHash('sha256')

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get length(): number {
    return this.#events.length
  }

  add(who: string, what: string): void {
    const text = `${this.step}  ${this.#clock.monotonic().toFixed(1)} ms  ${who}: ${what}`
    this.#events.push({ who, text })
    this.#hash.update(text)
  }

  /** The last events of these, and of everybody's surroundings. */
  tail(who: readonly string[], count: number): string[] {
    return this.#events
      .filter((event) => who.includes(event.who) || event.who === 'relay' || event.who === 'store')
      .slice(-count)
      .map(({ text }) => text)
  }

  /** Everything, in order. */
  lines(): string[] {
    return this.#events.map(({ text }) => text)
  }

  digest(): string {
    return this.#hash.copy().digest('hex')
  }
}

/** A promise of the relay was broken. */
export class Violation extends Error {
  override name = 'Violation'

  readonly trace: Trace

  constructor(trace: Trace, rule: string, who: readonly string[]) {
    super(`step ${trace.step}: ${rule}\n${trace.tail(who, 50).join('\n')}`)
    this.trace = trace
    trace.violation ??= this
  }
}
