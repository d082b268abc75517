/** The way to the worker thread. */
import { OperationalError } from '@sealpost/errors'
import { OpenPgpError } from '@sealpost/openpgp'
import { type Clock, WorkerLine } from '@sealpost/runtime'
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
import type { Outcome } from './worker.ts'

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

export class CertificateWorker implements AsyncDisposable {
  readonly #line: WorkerLine<Task, Outcome>

  constructor(clock: Clock, { limitMs = TASK_MS_MAX } = {}) {
    this.#line = new WorkerLine({
      script: new URL('worker.ts', import.meta.url),
      clock,
      limitMs,
      waitingMax: WAITING_MAX,
      memoryMbMax: MEMORY_MB_MAX,
      fail,
    })
  }

  /** Throws OpenPgpError for what cannot be taken, CertificateWorkerError when the thread is too busy or failed. */
  async read(task: Omit<ReadTask, 'kind'>): Promise<ReadResult> {
    return (await this.#run({ kind: 'read', ...task })) as ReadResult
  }

  async merge(task: Omit<MergeTask, 'kind'>): Promise<MergeResult | undefined> {
    return (await this.#run({ kind: 'merge', ...task })) as MergeResult | undefined
  }

  /** In their order. */
  async mergeAll(tasks: readonly Omit<MergeTask, 'kind'>[]): Promise<(MergeResult | undefined)[]> {
    return (await this.#run({ kind: 'merge-all', tasks })) as (MergeResult | undefined)[]
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#line[Symbol.asyncDispose]()
  }

  async #run(task: Task): Promise<unknown> {
    const outcome = await this.#line.run(task)
    if ('refused' in outcome) throw new OpenPgpError(outcome.refused.code, outcome.refused.message)
    return outcome.done
  }
}
