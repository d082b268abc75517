import type { Bus, BusOptions } from './bus.ts'
import { Dispatcher } from './dispatcher.ts'

/** The bus of the all-in-one process: nothing is ever missed, so onReset never runs. */
export function createProcessBus(options: BusOptions = {}): Bus {
  const dispatcher = new Dispatcher(options)
  return {
    publish: async (topic, payload) => {
      // As over a network, the handler gets a copy.
      dispatcher.dispatch(topic, structuredClone<unknown>(payload))
      await Promise.resolve()
    },
    subscribe: (topic, handler) => dispatcher.subscribe(topic, handler as (payload: unknown) => void),
    onReset: (handler) => dispatcher.onReset(handler),
    [Symbol.asyncDispose]: async () => {
      dispatcher.clear()
      await Promise.resolve()
    },
  }
}
