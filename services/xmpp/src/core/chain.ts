import type { MaybePromise } from '@sealpost/runtime'

/** Continues with a value that is usually there already: the hot path stays synchronous. */
export function chain<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? continued(value, next) : next(value)
}

async function continued<T, U>(value: Promise<T>, next: (value: T) => MaybePromise<U>): Promise<U> {
  return next(await value)
}
