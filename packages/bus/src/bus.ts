export type MaybePromise<T> = T | Promise<T>

/**
 * Topic to payload; each owner adds its own:
 * `declare module '@sealpost/bus' { interface Topics { 'account/changed': { accountId: string } } }`.
 * A payload is JSON and small: ids, never content or names.
 */
// oxlint-disable-next-line typescript/no-empty-interface -- filled by its owners through declaration merging
export interface Topics {}

export interface Bus extends AsyncDisposable {
  /** Resolves when the event is on its way; handlers run later or meanwhile, in this process as in the others. */
  publish<K extends keyof Topics>(topic: K, payload: Topics[K]): Promise<void>
  /** Handlers of one topic start in the order of the events; what a handler throws goes to onError of the bus. */
  subscribe<K extends keyof Topics>(topic: K, handler: (payload: Topics[K]) => MaybePromise<void>): Disposable
  /** Runs when events may have been missed: re-read the truth. */
  onReset(handler: () => MaybePromise<void>): Disposable
}

export interface BusOptions {
  /** Hears what handlers throw. Unless given, such an error ends the process. */
  readonly onError?: (error: unknown) => void
}
