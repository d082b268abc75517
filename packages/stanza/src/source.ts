/**
 * The bytes of one complete element, as text of one character a byte. Markup is ASCII, so it can be read in this form; only pieces
 * that are not are decoded. Were the whole decoded first, one apostrophe in a body would make every string two bytes a character,
 * from here to the socket of the recipient.
 */
import { isAscii, isUtf8 } from 'node:buffer'
import { StreamError } from './errors.ts'

// oxlint-disable-next-line no-control-regex -- these are the characters to refuse (XML 1.0 §2.2)
const ILLEGAL_ASCII = /[\0-\x08\x0b\x0c\x0e-\x1f]/
/** U+FFFE and U+FFFF (XML 1.0 §2.2), which are encoded like no other character. */
const ILLEGAL_BEYOND = /\xef\xbf[\xbe\xbf]/
const BEYOND_ASCII = /[\x80-\xff]/

export class Source {
  /** One character a byte. */
  readonly text: string
  readonly bytes: Buffer
  /** Everything before and from here on is ASCII. */
  readonly #first: number = 0
  readonly #end: number = 0

  /** Throws StreamError `bad-format` when it is not UTF-8, `not-well-formed` when it has characters that XML has not. */
  constructor(bytes: Buffer) {
    this.bytes = bytes
    const text = bytes.toString('latin1')
    this.text = text
    if (ILLEGAL_ASCII.test(text)) throw new StreamError('not-well-formed')
    if (isAscii(bytes)) return
    if (!isUtf8(bytes)) throw new StreamError('bad-format', 'Not UTF-8')
    if (ILLEGAL_BEYOND.test(text)) throw new StreamError('not-well-formed')
    this.#first = text.search(BEYOND_ASCII)
    let end = text.length
    while (text.charCodeAt(end - 1) < 0x80) end--
    this.#end = end
  }

  /** The piece between two positions that do not part a character, as it is meant. */
  slice(start: number, end: number): string {
    return end <= this.#first || start >= this.#end
      ? this.text.slice(start, end)
      : this.bytes.toString('utf8', start, end)
  }
}
