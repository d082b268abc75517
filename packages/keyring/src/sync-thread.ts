/**
 * Syncs a file in a thread of its own. There it waits for no other work, as it would in the pool that Node has for files; orders that come while it is at it share the next sync;
 * and it is known when that was over, of which a busy event loop hears late (docs/decisions/0055).
 */
import { Worker } from 'node:worker_threads'

export interface SyncWorkerData {
  readonly fd: number
  /** One number: of orders given. The thread sleeps until it changes. */
  readonly ordered: Int32Array
}

/** What the thread posts: the orders up to `order` are carried out, or failed. */
export type Synced = { readonly order: number } & (
  | { readonly at: number }
  | { readonly code: string; readonly message: string }
)

const SCRIPT = new URL('./sync-worker.ts', import.meta.url)
/** It holds next to nothing, but what is loaded before every program of Node, if anything is. */
const MEMORY = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 }

export class SyncThread implements AsyncDisposable {
  readonly #fd: number
  /** Those of which nothing has been heard, in order; the last one's number stands in `#ordered`. */
  #orders: PromiseWithResolvers<number>[] = []
  #ordered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  #worker: Worker | undefined

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Resolves with when all writes until now were on stable storage, by `performance.now()`; rejects with the system's error. */
  sync(): Promise<number> {
    const worker = (this.#worker ??= this.#begin())
    const order = Promise.withResolvers<number>()
    this.#orders.push(order)
    worker.ref()
    Atomics.add(this.#ordered, 0, 1)
    Atomics.notify(this.#ordered, 0)
    return order.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker
    this.#lose(new Error('The thread that syncs was ended'))
    await worker?.terminate()
  }

  #begin(): Worker {
    const workerData: SyncWorkerData = { fd: this.#fd, ordered: this.#ordered }
    const worker = new Worker(SCRIPT, { resourceLimits: MEMORY, workerData })
    const ifOurs = <T>(handle: (value: T) => void) => {
      return (value: T): void => {
        if (this.#worker === worker) handle(value)
      }
    }
    worker.on(
      'message',
      ifOurs((synced: Synced) => this.#settle(synced)),
    )
    worker.on(
      'error',
      ifOurs((error: Error) => this.#lose(error)),
    )
    worker.on(
      'exit',
      ifOurs(() => this.#lose(new Error('The thread that syncs has ended'))),
    )
    return worker
  }

  #settle(synced: Synced): void {
    const later = (Atomics.load(this.#ordered, 0) - synced.order) | 0 // numbers begin anew after the highest
    const settled = this.#orders.splice(0, this.#orders.length - later)
    if (this.#orders.length === 0) this.#worker?.unref() // nothing that it would keep the process for
    for (const order of settled)
      if ('at' in synced) order.resolve(synced.at - performance.timeOrigin)
      else order.reject(Object.assign(new Error(synced.message), { code: synced.code }))
  }

  /** The next order begins another thread. */
  #lose(error: Error): void {
    this.#worker = undefined
    this.#ordered = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
    for (const order of this.#orders.splice(0)) order.reject(error)
  }
}
