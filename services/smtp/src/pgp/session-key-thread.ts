/**
 * The thread in which certificates of recipients are read and session keys are encrypted to them: one at a time, a bounded line of waiting ones, and a limit of
 * time after which the thread is ended and another begun. Mails themselves never go there.
 */
import { Worker } from 'node:worker_threads'
import { OperationalError } from '@sealpost/errors'
import type { SessionKey } from '@sealpost/openpgp'
import type { Clock } from '@sealpost/runtime'
import type { Answer, SessionKeyTask } from './session-key-worker.ts'

const TASK_MS_MAX = 5_000
const WAITING_MAX = 256
/** Memory of the thread, in MiB. */
const MEMORY_MB_MAX = 256

/** The thread is too busy, or was ended: nobody knows about the certificate now. */
export class SessionKeyError extends OperationalError {
  override name = 'SessionKeyError'
}

const fail = {
  busy: () => new SessionKeyError('PGP_BUSY', 'Too many mails to encrypt at once'),
  late: () => new SessionKeyError('PGP_LATE', 'Encrypting to a certificate took too long'),
  ended: () => new SessionKeyError('PGP_ENDED', 'Encrypting to a certificate failed'),
} as const

interface Waiting {
  readonly task: SessionKeyTask
  readonly resolve: (session: SessionKey | undefined) => void
  readonly reject: (error: Error) => void
}

export class SessionKeyThread implements AsyncDisposable {
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

  /** Undefined when nothing can be encrypted to the certificate for this address. Throws SessionKeyError. */
  make(certificate: Uint8Array, address: string): Promise<SessionKey | undefined> {
    if (this.#closed) return Promise.reject(fail.ended())
    if (this.#line.length >= WAITING_MAX) return Promise.reject(fail.busy())
    const { promise, resolve, reject } = Promise.withResolvers<SessionKey | undefined>()
    this.#line.push({ task: { certificate, address, now: this.#clock.now() }, resolve, reject })
    this.#next()
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#line.splice(0)) reject(fail.ended())
    await this.#end(fail.ended())
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
    const worker = new Worker(new URL('session-key-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB_MAX },
    })
    worker.unref()
    worker.on('message', ({ id, session }: Answer) => {
      if (id !== this.#id) return
      this.#take()?.resolve(session)
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

  #take(): Waiting | undefined {
    const current = this.#current
    this.#current = undefined
    this.#limit?.[Symbol.dispose]()
    this.#limit = undefined
    return current
  }
}
