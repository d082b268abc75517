import type { MaybePromise } from '@sealpost/runtime'

/** Continues with a value that is usually there already: the hot path stays synchronous. */
export function chain<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
