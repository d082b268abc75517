/** The text of one DATA as it comes in: bounded in size and time. Whatever is wrong with it, its end is looked for, since the client waits for the reply there. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '@sealpost/runtime'
import { SmtpReply } from '../smtp-reply.ts'
import { type Connection, ConnectionError } from './connection.ts'
import { DataDecoder } from './data-decoder.ts'

/** A client that goes on for so long after the limit is cut off. */
const EXCESS_BYTES_MAX = 1024 * 1024
/** RFC 5321 §4.5.3.2.5: between two pieces. */
const IDLE_MS_MAX = 3 * 60_000
/** Then others have their turn: Node would read 2 MiB of one socket before it looks at another. */
const TURN_BYTES = 64 * 1024
/** Of the whole: 60 MiB at a slow 150 kbit/s. */
const DATA_MS_MAX = 60 * 60_000

const reject = {
  tooLarge: () => new SmtpReply(552, '5.3.4', 'Message too large'), // RFC 1870 §6.3
  lineEnd: () => new SmtpReply(550, '5.6.11', 'Lines must end in CRLF; bare CR or LF refused'),
  nul: () => new SmtpReply(550, '5.6.11', 'NUL refused'),
} as const

/** The client goes on beyond every limit: it gets its reply, and no more time. */
export class ExcessError extends ConnectionError {
  readonly reply = reject.tooLarge()

  constructor() {
    super('SMTP_EXCESS')
  }
}

export class DataReader {
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #bytesMax: number
  readonly #decoder = new DataDecoder()
  readonly #deadlineMs: number
  #bytes = 0
  #turnBytes = 0
  #ended = false

  /** @param bytesMax of the text, without the dots that were put in */
  constructor(connection: Connection, bytesMax: number, clock: Clock) {
    this.#connection = connection
    this.#bytesMax = bytesMax
    this.#clock = clock
    this.#deadlineMs = clock.monotonic() + DATA_MS_MAX
  }

  /** What is wrong with the text so far. */
  get fault(): SmtpReply | undefined {
    if (this.#bytes > this.#bytesMax) return reject.tooLarge()
    return this.#decoder.fault === undefined ? undefined : reject[this.#decoder.fault]()
  }

  /** Undefined at the end. Throws ConnectionError. */
  async next(): Promise<Buffer | undefined> {
    while (!this.#ended) {
      const { text, rest } = this.#decoder.decode(await this.#readChunk())
      this.#bytes += text.length
      if (rest !== undefined) {
        this.#ended = true
        if (rest.length > 0) this.#connection.unread(rest)
      } else if (this.#bytes > this.#bytesMax + EXCESS_BYTES_MAX) throw new ExcessError()
      if (text.length > 0) return text
    }
    return undefined
  }

  async #readChunk(): Promise<Buffer> {
    if (this.#turnBytes >= TURN_BYTES) {
      await turn()
      this.#turnBytes = 0
    }
    const deadline = Math.min(this.#deadlineMs, this.#clock.monotonic() + IDLE_MS_MAX)
    const chunk = await this.#connection.readChunk(deadline)
    this.#turnBytes += chunk.length
    return chunk
  }

  /** Reads the rest and drops it. Throws ConnectionError. */
  async drain(): Promise<void> {
    while ((await this.next()) !== undefined);
  }
}
