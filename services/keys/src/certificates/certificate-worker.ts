/** The way to the worker thread: one task at a time, a bounded line of waiting ones, and a limit of time after which the thread is ended and another begun. */
import { Worker } from 'node:worker_threads'
import { OperationalError } from '@sealpost/errors'
import { OpenPgpError } from '@sealpost/openpgp'
import type { Clock } from '@sealpost/runtime'
import type {
  EncryptTask,
  ImportResult,
  ImportTask,
  MergeResult,
  MergeTask,
  ReadResult,
  ReadTask,
  Task,
  VerifyTask,
} from './task.ts'
import type { Answer } from './worker.ts'

/** Of one task. The work on an upload is limited to a tenth of a second of a core; this is for a machine that is very busy, and for mistakes of ours. */
const TASK_MS_MAX = 5_000
const WAITING_MAX = 64
/** Memory of the thread, in MiB. */
const MEMORY_MB_MAX = 256

export class CertificateWorkerError extends OperationalError {
  override name = 'CertificateWorkerError'
}

const fail = {
  busy: () => new CertificateWorkerError('CERTIFICATES_BUSY', 'Too many uploads at once. Try again later.'),
  late: () => new CertificateWorkerError('CERTIFICATES_LATE', 'Reading this took too long.'),
  ended: () => new CertificateWorkerError('CERTIFICATES_ENDED', 'Reading this failed.'),
} as const

interface Waiting {
  readonly task: Task
  readonly resolve: (result: unknown) => void
  readonly reject: (error: Error) => void
}

export class CertificateWorker implements AsyncDisposable {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #line: Waiting[] = []
  #worker: Worker | undefined
  #current: Waiting | undefined
  #limit: Disposable | undefined
  #id = 0
  #closed = false

  constructor(clock: Clock, { limitMs = TASK_MS_MAX } = {}) {
    this.#clock = clock
    this.#limitMs = limitMs
  }

  /** Throws OpenPgpError for what cannot be taken, CertificateWorkerError when the thread is too busy or failed. */
  async read(task: Omit<ReadTask, 'kind'>): Promise<ReadResult> {
    return (await this.#run({ kind: 'read', ...task })) as ReadResult
  }

  async merge(task: Omit<MergeTask, 'kind'>): Promise<MergeResult | undefined> {
    return (await this.#run({ kind: 'merge', ...task })) as MergeResult | undefined
  }

  /** The armored message; undefined when nothing can be encrypted to the certificate. */
  async encrypt(task: Omit<EncryptTask, 'kind'>): Promise<string | undefined> {
    return (await this.#run({ kind: 'encrypt', ...task })) as string | undefined
  }

  /** Of certificates from another directory. */
  async import(task: Omit<ImportTask, 'kind'>): Promise<ImportResult> {
    return (await this.#run({ kind: 'import', ...task })) as ImportResult
  }

  /** The text of a signed message; undefined when the certificate's primary key has not signed it. */
  async verify(task: Omit<VerifyTask, 'kind'>): Promise<string | undefined> {
    return (await this.#run({ kind: 'verify', ...task })) as string | undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#line.splice(0)) reject(fail.ended())
    await this.#end(fail.ended())
  }

  #run(task: Task): Promise<unknown> {
    if (this.#closed) return Promise.reject(fail.ended())
    if (this.#line.length >= WAITING_MAX) return Promise.reject(fail.busy())
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    this.#line.push({ task, resolve, reject })
    this.#next()
    return promise
  }

  #next(): void {
    if (this.#current !== undefined) return
    const next = this.#line.shift()
    if (next === undefined) return
    this.#current = next
    this.#limit = this.#clock.after(this.#limitMs, () => void this.#end(fail.late()))
    this.#worker ??= this.#begin()
    this.#worker.postMessage({ id: ++this.#id, task: next.task })
  }

  #begin(): Worker {
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
    })
    worker.unref()
    worker.on('message', (answer: Answer) => this.#settle(answer))
    const lost = (): void => {
      if (this.#worker === worker) void this.#end(fail.ended())
    }
    worker.on('error', lost)
    worker.on('exit', lost)
    return worker
  }

  #settle(answer: Answer): void {
    if (answer.id !== this.#id) return
    const current = this.#take()
    if ('refused' in answer) current?.reject(new OpenPgpError(answer.refused.code, answer.refused.message))
    else current?.resolve(answer.result)
    this.#next()
  }

  /** The thread is of no use any more; the next task begins another. */
  async #end(error: Error): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#take()?.reject(error)
    this.#next()
    await worker?.terminate()
  }

  #take(): Waiting | undefined {
    const current = this.#current
    this.#current = undefined
    this.#limit?.[Symbol.dispose]()
    this.#limit = undefined
    return current
  }
}
