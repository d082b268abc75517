/** RFC 5321 §4.2: the replies of a server, whole and in order, bounded in size. */

export interface ServerReply {
  readonly code: number
  /** RFC 2034 §4, from the text of its first line; undefined when it is not there or does not fit the code. */
  readonly status: string | undefined
  /** Without codes, lines separated by LF. */
  readonly text: string
}

const REPLY_BYTES_MAX = 64 * 1024
/** Of whole replies that nobody has read yet, in characters: those to a mail with a hundred recipients come at once. */
const WAITING_MAX = 512 * 1024
/** What a reply costs besides its text. */
const OVERHEAD = 64
const LINE = /^([2-5]\d\d)(?:([ -])(.*))?$/
const STATUS = /^([245]\.\d{1,3}\.\d{1,3})(?: +|$)/
/** All but tab and line feed. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu

export class ReplyReader {
  #text = ''
  #lines: { readonly status: string | undefined; readonly text: string }[] = []
  #bytes = 0
  readonly #whole: ServerReply[] = []
  #waiting = 0

  /** False: this is no SMTP. */
  feed(chunk: Buffer): boolean {
    this.#text += chunk.toString('utf8')
    this.#bytes += chunk.length
    for (let end = this.#text.indexOf('\n'); end !== -1; end = this.#text.indexOf('\n')) {
      const line = this.#text.slice(0, end).replace(/\r$/, '')
      this.#text = this.#text.slice(end + 1)
      if (!this.#take(line)) return false
    }
    return this.#bytes <= REPLY_BYTES_MAX
  }

  /** The next whole reply. */
  next(): ServerReply | undefined {
    const next = this.#whole.shift()
    if (next !== undefined) this.#waiting -= costOf(next)
    return next
  }

  /** Whether anything is here that nobody has read. */
  get isEmpty(): boolean {
    return this.#text === '' && this.#lines.length === 0 && this.#whole.length === 0
  }

  #take(line: string): boolean {
    const [, digits, separator, rest = ''] = LINE.exec(line) ?? []
    if (digits === undefined) return false
    const status = STATUS.exec(rest)
    const fits = status?.[1]?.startsWith(digits.charAt(0)) === true
    const text = fits ? rest.slice(status?.[0].length ?? 0) : rest
    this.#lines.push({ status: fits ? status?.[1] : undefined, text: text.replaceAll(CONTROLS, ' ') })
    if (separator === '-') return true
    const reply = {
      code: Number(digits),
      status: this.#lines[0]?.status,
      text: this.#lines.map((one) => one.text).join('\n'),
    }
    this.#whole.push(reply)
    this.#waiting += costOf(reply)
    this.#lines = []
    this.#bytes = 0
    return this.#waiting <= WAITING_MAX
  }
}

function costOf({ text }: ServerReply): number {
  return text.length + OVERHEAD
}
