/**
 * draft-ietf-httpapi-idempotency-key-header: a POST that is sent again with its Idempotency-Key is carried out once, and gets the same answer. Answers may hold keys and
 * links, so they are kept in a form that nobody reads who has not sent the request: docs/decisions/0031-idempotent-answers.md.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { HttpProblem } from '@sealpost/http'
import type { Clock, Random } from '@sealpost/runtime'
import { seal, unseal } from '../sealed.ts'
import type { AnswerStore, StoredAnswer } from './answer-store.ts'

const KEPT_MS = 24 * 60 * 60_000
/** Longer than any command but an import takes, which is none of these. */
const RUNNING_MS = 2 * 60_000
const ANSWER_BYTES_MAX = 65_536

const reject = {
  reused: () =>
    new HttpProblem(422, 'idempotency-key-reused', 'The Idempotency-Key was used for another request'),
  running: () =>
    new HttpProblem(409, 'idempotency-in-progress', 'The same request is being carried out; try again'),
  unknown: () =>
    new HttpProblem(
      409,
      'idempotency-outcome-unknown',
      'What became of the request is not known: look before you ask anew',
    ),
  done: () => new HttpProblem(409, 'idempotency-done', 'The request was carried out; its answer is not kept'),
} as const

export interface IdempotentRequest {
  /** The Idempotency-Key as it was sent. */
  readonly key: string
  /** Who asks, as far as it is known. */
  readonly who: string
  /** What only who asks can show: the Authorization header, or nothing on the control socket. */
  readonly credential: string
  /** Method, path and body. */
  readonly request: readonly string[]
}

export interface IdempotentAnswer {
  readonly status: number
  /** JSON. */
  readonly body: string
}

export interface IdempotentAnswersOptions {
  readonly store: AnswerStore
  /** Of the data directory. */
  readonly secret: string
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'bytes'>
}

export class IdempotentAnswers {
  readonly #options: IdempotentAnswersOptions

  constructor(options: IdempotentAnswersOptions) {
    this.#options = options
  }

  /**
   * The answer of `act`, or the one it had before. What `act` refuses with a status below 500 leaves the key free. Throws 422 and 409 as they stand above.
   */
  async once(
    asked: IdempotentRequest,
    act: () => Promise<IdempotentAnswer>,
  ): Promise<IdempotentAnswer & { readonly replayed: boolean }> {
    const { store, clock } = this.#options
    const now = clock.now()
    const key = this.#keyOf(asked)
    const requestHash = createHmac('sha256', key).update(JSON.stringify(asked.request)).digest()
    const keyHash = this.#hash(asked.who, asked.key)
    const times = { runningUntil: now + RUNNING_MS, expiresAt: now + KEPT_MS }
    const known = await store.claim({ keyHash, requestHash, ...times }, now)
    if (known !== undefined) return { ...this.#replay(known, requestHash, key), replayed: true }
    return { ...(await this.#carryOut(keyHash, key, act)), replayed: false }
  }

  eraseExpired(): Promise<void> {
    return this.#options.store.eraseExpired(this.#options.clock.now())
  }

  async #carryOut(
    keyHash: Buffer,
    key: Buffer,
    act: () => Promise<IdempotentAnswer>,
  ): Promise<IdempotentAnswer> {
    const { store } = this.#options
    let answer: IdempotentAnswer
    try {
      answer = await act()
    } catch (error) {
      // Of anything else nobody knows how far it went.
      if (error instanceof HttpProblem && error.status < 500) await store.release(keyHash)
      throw error
    }
    const plain = Buffer.from(answer.body)
    const sealed = plain.length > ANSWER_BYTES_MAX ? undefined : seal(key, plain, this.#options.random)
    await store.answer(keyHash, answer.status, sealed)
    return answer
  }

  #replay({ requestHash, runningUntil, status, sealed }: StoredAnswer, asked: Buffer, key: Buffer) {
    if (!timingSafeEqual(requestHash, asked)) throw reject.reused()
    if (status === undefined)
      throw runningUntil > this.#options.clock.now() ? reject.running() : reject.unknown()
    if (sealed === undefined) throw reject.done()
    return { status, body: unseal(key, sealed).toString() }
  }

  /** Keyed: of strangers `who` is all that they sent, perhaps a password, which nobody is to guess from the table. */
  #hash(...parts: readonly string[]): Buffer {
    return createHmac('sha256', this.#options.secret).update(JSON.stringify(parts)).digest()
  }

  #keyOf({ key, who, credential }: IdempotentRequest): Buffer {
    const material = JSON.stringify([this.#options.secret, who, credential, key])
    return Buffer.from(hkdfSync('sha256', material, '', 'idempotent answer', 32))
  }
}
