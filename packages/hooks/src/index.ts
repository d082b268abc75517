/** The typed event bus inside one service: handlers in order of priority, the first answer ends the chain (STYLE §3). */

type MaybePromise<T> = T | Promise<T>

/** Higher runs first; handlers of one priority run in the order of registration. */
export const Priority = { filter: 400, policy: 300, normal: 200, deliver: 100, fallback: 0 } as const
export type Priority = (typeof Priority)[keyof typeof Priority]

/** The shape of a table of hooks: `interface Hooks { 'carbons/should-copy': (event: CarbonsEvent) => boolean }`. */
export type HookTable<M> = { [K in keyof M]: (event: never) => unknown }

export type HookEvent<F> = F extends (event: infer E) => unknown ? E : never
export type HookResult<F> = F extends (event: never) => infer R ? R : never
export type HookHandler<F> = (event: HookEvent<F>) => MaybePromise<HookResult<F> | undefined | void>

export interface Hooks<M extends HookTable<M>> {
  /** Disposing takes the handler away; a chain that is under way still runs it. */
  hook<K extends keyof M>(name: K, handler: HookHandler<M[K]>, priority?: Priority): Disposable
  /** Synchronous, promise-free, when every handler that runs is; a handler's exception ends the chain and reaches the caller. */
  fire<K extends keyof M>(name: K, event: HookEvent<M[K]>): MaybePromise<HookResult<M[K]> | undefined>
  /** Whether anyone listens: lets a hot caller skip the making of an event. */
  has(name: keyof M): boolean
}

type AnyHandler = (event: unknown) => unknown
interface Entry {
  readonly handler: AnyHandler
  readonly priority: Priority
}

/** An empty bus. */
export function createHooks<M extends HookTable<M>>(): Hooks<M> {
  const entries = new Map<PropertyKey, readonly Entry[]>()
  const chains = new Map<PropertyKey, readonly AnyHandler[]>()

  // A chain under way keeps its array: changes make a new one.
  const publish = (name: PropertyKey, next: readonly Entry[]): void => {
    entries.set(name, next)
    if (next.length === 0) chains.delete(name)
    else
      chains.set(
        name,
        next.map((entry) => entry.handler),
      )
  }

  return {
    hook(name, handler, priority = Priority.normal) {
      const entry: Entry = { handler: handler as AnyHandler, priority }
      const before = entries.get(name) ?? []
      publish(
        name,
        [...before, entry].sort((a, b) => b.priority - a.priority),
      )
      return {
        [Symbol.dispose]: () =>
          publish(
            name,
            (entries.get(name) ?? []).filter((other) => other !== entry),
          ),
      }
    },
    fire(name, event) {
      const chain = chains.get(name)
      return (chain === undefined ? undefined : run(chain, event, 0)) as never
    },
    has: (name) => chains.has(name),
  }
}

function run(chain: readonly AnyHandler[], event: unknown, from: number): unknown {
  for (let index = from; index < chain.length; index += 1) {
    const result = chain[index]?.(event)
    if (result === undefined) continue
    if (result instanceof Promise) return resume(chain, event, index, result)
    return result
  }
  return undefined
}

async function resume(
  chain: readonly AnyHandler[],
  event: unknown,
  index: number,
  pending: Promise<unknown>,
): Promise<unknown> {
  const result = await pending
  return result === undefined ? run(chain, event, index + 1) : result
}
