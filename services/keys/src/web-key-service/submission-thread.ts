/** The way to the thread in which mails to submission addresses are read. */
import { OperationalError } from '@sealpost/errors'
import { type Clock, WorkerLine } from '@sealpost/runtime'
import type { MailContent } from './read-mail.ts'
import type { SubmissionTask } from './submission-worker.ts'

/** Of one task. A mail of a megabyte takes a tenth of a second; this is for a machine that is very busy, and for mails that were made to cost time. */
const TASK_MS_MAX = 5_000
const WAITING_MAX = 64
/** Memory of the thread, in MiB. */
const MEMORY_MB_MAX = 128

const messages = {
  SUBMISSION_BUSY: 'Too many mails at once. Try again later.',
  SUBMISSION_LATE: 'Reading this mail took too long.',
  SUBMISSION_ENDED: 'Reading this mail failed.',
} as const

export class SubmissionThreadError extends OperationalError {
  override readonly name = 'SubmissionThreadError'
  declare readonly code: keyof typeof messages

  constructor(code: keyof typeof messages) {
    super(code, messages[code])
  }
}

const fail = {
  busy: () => new SubmissionThreadError('SUBMISSION_BUSY'),
  late: () => new SubmissionThreadError('SUBMISSION_LATE'),
  ended: () => new SubmissionThreadError('SUBMISSION_ENDED'),
} as const

/** All methods throw SubmissionThreadError. */
export class SubmissionThread implements AsyncDisposable {
  readonly #line: WorkerLine<SubmissionTask, unknown>
  readonly #clock: Clock

  constructor(clock: Clock, { limitMs = TASK_MS_MAX } = {}) {
    this.#clock = clock
    this.#line = new WorkerLine({
      script: new URL('submission-worker.ts', import.meta.url),
      clock,
      limitMs,
      waitingMax: WAITING_MAX,
      memoryMbMax: MEMORY_MB_MAX,
      fail,
    })
  }

  /** A new secret key for the address. */
  async makeKey(address: string): Promise<Buffer> {
    const task = { kind: 'make', address, now: this.#clock.now() } as const
    return Buffer.from((await this.#line.run(task)) as Uint8Array)
  }

  /** Undefined when it is no key. */
  async certificateOf(secret: Uint8Array): Promise<Buffer | undefined> {
    const certificate = await this.#line.run({ kind: 'certificate', secret })
    return certificate instanceof Uint8Array ? Buffer.from(certificate) : undefined
  }

  async read(message: Uint8Array, secret: Uint8Array): Promise<MailContent> {
    return (await this.#line.run({ kind: 'read', message, secret })) as MailContent
  }

  /** An armored signature. */
  async sign(data: Uint8Array, secret: Uint8Array): Promise<string> {
    return (await this.#line.run({ kind: 'sign', data, secret, now: this.#clock.now() })) as string
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#line[Symbol.asyncDispose]()
  }
}
