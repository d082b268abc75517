import type { BusOptions, MaybePromise } from './bus.ts'

type Handler = (payload: unknown) => MaybePromise<void>

/** The subscriptions of one process. A handler that throws disturbs neither the others nor the publisher. */
export class Dispatcher {
  readonly #handlers = new Map<string, Set<Handler>>()
  readonly #resets = new Set<() => MaybePromise<void>>()
  readonly #onError: (error: unknown) => void

  constructor(options: BusOptions) {
    this.#onError = options.onError ?? crash
  }

  subscribe(topic: string, handler: Handler): Disposable {
    const own: Handler = (payload) => handler(payload)
    const handlers = this.#handlers.get(topic) ?? new Set()
    this.#handlers.set(topic, handlers.add(own))
    return {
      [Symbol.dispose]: () => {
        handlers.delete(own)
        if (handlers.size === 0 && this.#handlers.get(topic) === handlers) this.#handlers.delete(topic)
      },
    }
  }

  onReset(handler: () => MaybePromise<void>): Disposable {
    const own = (): MaybePromise<void> => handler()
    this.#resets.add(own)
    return { [Symbol.dispose]: () => void this.#resets.delete(own) }
  }

  dispatch(topic: string, payload: unknown): void {
    for (const handler of this.#handlers.get(topic) ?? []) void this.#guard(() => handler(payload))
  }

  reset(): void {
    for (const handler of this.#resets) void this.#guard(handler)
  }

  clear(): void {
    this.#handlers.clear()
    this.#resets.clear()
  }

  async #guard(run: () => MaybePromise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      this.#onError(error)
    }
  }
}

function crash(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}
