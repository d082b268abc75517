/** RFC 5322 §2.1: finds where the header section ends, the empty line. Pure; what is kept is bounded. */

/** RFC 5322 sets no bound; real ones stay far below. */
export const HEADER_BYTES_MAX = 256 * 1024

/** Small pieces are joined now and then, so that a client cannot make us keep many. */
const PIECES_MAX = 64

const END = '\r\n\r\n'
const CRLF = '\r\n'

export class HeaderCollector {
  #state: 'more' | 'complete' | 'tooLarge' = 'more'
  #chunks: Buffer[] = []
  #bytes = 0
  /** The last bytes before the newest chunk: the empty line may lie across. A message whose first line is empty has no field at all. */
  #tail = Buffer.from(CRLF)
  #header: Buffer = Buffer.alloc(0)
  #rest: Buffer = Buffer.alloc(0)

  get state(): 'more' | 'complete' | 'tooLarge' {
    return this.#state
  }

  /** Lines of fields, each with its CRLF; the empty line is left out. */
  get header(): Buffer {
    return this.#header
  }

  /** What has been given already of the body. */
  get rest(): Buffer {
    return this.#rest
  }

  /** More text, while `state` is `more`. */
  add(chunk: Buffer): void {
    const text = Buffer.concat([this.#tail, chunk])
    const at = text.indexOf(END)
    this.#chunks.push(chunk)
    const end = this.#bytes - this.#tail.length + at + END.length
    this.#bytes += chunk.length
    if ((at === -1 ? this.#bytes : end) > HEADER_BYTES_MAX) return this.#finish('tooLarge')
    if (at === -1) {
      this.#tail = text.subarray(-(END.length - 1))
      if (this.#chunks.length > PIECES_MAX) this.#chunks = [Buffer.concat(this.#chunks)]
      return
    }
    const all = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks)
    this.#header = all.subarray(0, Math.max(0, end - CRLF.length))
    this.#rest = all.subarray(end)
    this.#finish('complete')
  }

  /** The mail is over: without an empty line it has no body. */
  end(): void {
    this.#header = Buffer.concat(this.#chunks)
    this.#finish('complete')
  }

  #finish(state: 'complete' | 'tooLarge'): void {
    this.#state = state
    this.#chunks = []
  }
}
