/** The thread in which certificates of recipients are read and session keys are encrypted to them. Mails themselves never go there. */
import { OperationalError } from '@sealpost/errors'
import type { SessionKey } from '@sealpost/openpgp'
import { type Clock, WorkerLine } from '@sealpost/runtime'
import type { SessionKeyTask } from './session-key-worker.ts'

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

export class SessionKeyThread implements AsyncDisposable {
  readonly #clock: Clock
  readonly #line: WorkerLine<SessionKeyTask, SessionKey | undefined>

  constructor(clock: Clock, { limitMs = TASK_MS_MAX } = {}) {
    this.#clock = clock
    this.#line = new WorkerLine({
      script: new URL('session-key-worker.ts', import.meta.url),
      clock,
      limitMs,
      waitingMax: WAITING_MAX,
      memoryMbMax: MEMORY_MB_MAX,
      fail,
    })
  }

  /** Undefined when nothing can be encrypted to the certificate for this address. Throws SessionKeyError. */
  make(certificate: Uint8Array, address: string): Promise<SessionKey | undefined> {
    return this.#line.run({ certificate, address, now: this.#clock.now() })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#line[Symbol.asyncDispose]()
  }
}
