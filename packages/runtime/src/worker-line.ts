/** Work that must hold up nobody else: in a thread, one task at a time, with a bounded line of waiting ones. */
import { Worker } from 'node:worker_threads'
import type { Clock } from './clock.ts'

export interface WorkerLineOptions {
  /** Answers each `WorkerRequest` with one `WorkerAnswer`. */
  readonly script: URL
  readonly clock: Clock
  /** Of one task; then the thread is ended and another begun. */
  readonly limitMs: number
  readonly waitingMax: number
  /** Memory of the thread, in MiB. */
  readonly memoryMbMax: number
  /** What a task is rejected with: the line is full; it took too long; the thread was ended. */
  readonly fail: Readonly<Record<'busy' | 'late' | 'ended', () => Error>>
}

/** What the thread is sent. */
export interface WorkerRequest<Task> {
  readonly id: number
  readonly task: Task
}

/** What it posts. */
export interface WorkerAnswer<Result> {
  readonly id: number
  readonly result: Result
}

interface Waiting<Task, Result> {
  readonly task: Task
  readonly resolve: (result: Result) => void
  readonly reject: (error: Error) => void
}

export class WorkerLine<Task, Result> implements AsyncDisposable {
  readonly #options: WorkerLineOptions
  readonly #line: Waiting<Task, Result>[] = []
  #worker: Worker | undefined
  #current: Waiting<Task, Result> | undefined
  #limit: Disposable | undefined
  #id = 0
  #closed = false

  constructor(options: WorkerLineOptions) {
    this.#options = options
  }

  run(task: Task): Promise<Result> {
    const { fail, waitingMax } = this.#options
    if (this.#closed) return Promise.reject(fail.ended())
    if (this.#line.length >= waitingMax) return Promise.reject(fail.busy())
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    this.#line.push({ task, resolve, reject })
    this.#next()
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { fail } = this.#options
    this.#closed = true
    for (const { reject } of this.#line.splice(0)) reject(fail.ended())
    await this.#end(fail.ended())
  }

  #next(): void {
    if (this.#current !== undefined) return
    const next = this.#line.shift()
    if (next === undefined) return
    const { clock, limitMs, fail } = this.#options
    this.#current = next
    this.#limit = clock.after(limitMs, () => void this.#end(fail.late()))
    this.#worker ??= this.#begin()
    this.#worker.postMessage({ id: ++this.#id, task: next.task } satisfies WorkerRequest<Task>)
  }

  #begin(): Worker {
    const { script, memoryMbMax, fail } = this.#options
    const worker = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: memoryMbMax } })
    worker.unref()
    worker.on('message', ({ id, result }: WorkerAnswer<Result>) => {
      if (id !== this.#id) return
      this.#take()?.resolve(result)
      this.#next()
    })
    const lost = (): void => {
      if (this.#worker === worker) void this.#end(fail.ended())
    }
    worker.on('error', lost)
    worker.on('exit', lost)
    return worker
  }

  /** The thread is of no use any more; the next task begins another. */
  async #end(error: Error): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#take()?.reject(error)
    this.#next()
    await worker?.terminate()
  }

  #take(): Waiting<Task, Result> | undefined {
    const current = this.#current
    this.#current = undefined
    this.#limit?.[Symbol.dispose]()
    this.#limit = undefined
    return current
  }
}
