/** A queue for the tests of reception: keeps what it was given where they can see it. */
import { once, EventEmitter } from 'node:events'
import type { Draft, MailQueue, MailToQueue } from '../src/queue/mail-queue.ts'

export interface KeptMail extends Omit<MailToQueue, 'draft'> {
  readonly body: Buffer
}

export class MemoryQueue implements MailQueue {
  readonly mails: KeptMail[] = []
  /** Drafts that are neither enqueued nor disposed. */
  drafts = 0
  /** Thrown by the next `enqueue`. */
  failure: Error | undefined
  readonly #grown = new EventEmitter()

  draft(): Draft {
    this.drafts += 1
    return new MemoryDraft(() => {
      this.drafts -= 1
    })
  }

  async enqueue({ draft, ...mail }: MailToQueue): Promise<string> {
    const { failure } = this
    this.failure = undefined
    if (failure !== undefined) throw failure
    const chunks: Buffer[] = []
    for await (const chunk of (await draft.finish())()) chunks.push(chunk)
    this.mails.push({ ...mail, body: Buffer.concat(chunks) })
    this.#grown.emit('mail')
    return `q${String(this.mails.length)}`
  }

  /** The last mail, once there are so many. */
  async mail(count: number): Promise<KeptMail> {
    while (this.mails.length < count) await once(this.#grown, 'mail')
    const mail = this.mails[count - 1]
    if (mail === undefined) throw new Error('no such mail')
    return mail
  }
}

class MemoryDraft implements Draft {
  readonly #chunks: Buffer[] = []
  readonly #gone: () => void
  bodyBytes = 0

  constructor(gone: () => void) {
    this.#gone = gone
  }

  async write(chunk: Buffer): Promise<void> {
    this.#chunks.push(Buffer.from(chunk))
    this.bodyBytes += chunk.length
    await Promise.resolve()
  }

  async finish() {
    const chunks = this.#chunks
    return await Promise.resolve(async function* () {
      yield* chunks
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gone()
    await Promise.resolve()
  }
}
