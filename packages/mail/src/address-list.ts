/**
 * RFC 5322 §3.4: the addresses of a header field, with groups, comments, quoted strings and obsolete routes. Strict where two readers could see different
 * addresses: what is not understood whole is not understood. One pass, no recursion.
 */
import { type EmailAddress, parseAddress } from './email-address.ts'

/** The words of an unfolded value, comments and blanks left out. */
interface Token {
  readonly kind: 'word' | 'quoted' | 'literal' | 'special'
  readonly text: string
}

/** Longest value that is read, in characters; a header section has 256 KiB at most. */
const CHARS_MAX = 256 * 1024
const COMMENT_DEPTH_MAX = 100

const BLANKS = /[\t ]+/y
const WORD = /[^\u0000-\u0020()<>[\]:;@\\,."\u007F]+/y // oxlint-disable-line no-control-regex
const QUOTED = /"((?:[^"\\\r\n\0]|\\[^\r\n\0])*)"/y
const LITERAL = /\[[^[\]\\\r\n\0]*\]/y
const SPECIAL = /[<>:;@,.]/y

/** Of one field, unfolded; members of groups are among them. Undefined: it is no list of addresses. */
export function parseAddressList(value: string): EmailAddress[] | undefined {
  const tokens = value.length > CHARS_MAX ? undefined : tokenize(value)
  return tokens === undefined ? undefined : new ListParser(tokens).parse()
}

function tokenize(value: string): Token[] | undefined {
  const tokens: Token[] = []
  const kinds = [
    { kind: 'word', pattern: WORD },
    { kind: 'quoted', pattern: QUOTED },
    { kind: 'literal', pattern: LITERAL },
    { kind: 'special', pattern: SPECIAL },
  ] as const
  for (let at = 0; at < value.length;) {
    BLANKS.lastIndex = at
    const blanks = BLANKS.exec(value)?.[0].length ?? 0
    const comment = blanks === 0 && value[at] === '(' ? endOfComment(value, at) : at
    if (comment === undefined) return undefined
    if (blanks > 0 || comment > at) {
      at = Math.max(at + blanks, comment)
      continue
    }
    const before = at
    for (const { kind, pattern } of kinds) {
      pattern.lastIndex = at
      const match = pattern.exec(value)
      if (match === null) continue
      const [all, inner] = match
      tokens.push({ kind, text: kind === 'quoted' ? (inner ?? '').replaceAll(/\\(.)/gs, '$1') : all })
      at += all.length
      break
    }
    if (at === before) return undefined
  }
  return tokens
}

/** Behind the comment that begins here. RFC 5322 §3.2.2 */
function endOfComment(value: string, begin: number): number | undefined {
  let depth = 0
  for (let at = begin; at < value.length; at++) {
    const letter = value[at]
    if (letter === '\\') at += 1
    else if (letter === '(') depth += 1
    else if (letter === ')') depth -= 1
    if (depth === 0) return at + 1
    if (depth > COMMENT_DEPTH_MAX) return undefined
  }
  return undefined
}

class ListParser {
  readonly #tokens: readonly Token[]
  readonly #found: EmailAddress[] = []
  #at = 0
  #inGroup = false

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): EmailAddress[] | undefined {
    while (this.#at < this.#tokens.length) if (!this.#address()) return undefined
    return this.#inGroup ? undefined : this.#found
  }

  /** One address, the head or the end of a group, or nothing between two commas (RFC 5322 §4.4). */
  #address(): boolean {
    const words = this.#words()
    if (this.#take('<')) return this.#bracketed() && this.#ends()
    if (this.#is('@')) return words.length > 0 && this.#addressOf(words) && this.#ends()
    if (this.#take(':')) {
      if (this.#inGroup || words.length === 0) return false
      this.#inGroup = true
      return true
    }
    return words.length === 0 && this.#at < this.#tokens.length && this.#ends()
  }

  /** `<` is taken. RFC 5322 §4.4: a route in front is read over. */
  #bracketed(): boolean {
    if (this.#is('@') || this.#is(',')) {
      while (this.#at < this.#tokens.length && !this.#is(':')) {
        if (this.#is('<') || this.#is('>')) return false
        this.#at += 1
      }
      if (!this.#take(':')) return false
    }
    return this.#addressOf(this.#words()) && this.#take('>')
  }

  /** `local` is taken, with its dots; the at sign comes next. */
  #addressOf(local: readonly Token[]): boolean {
    const alternate =
      local.length % 2 === 1 && local.every((token, index) => isDot(token) === (index % 2 === 1))
    if (!alternate || !this.#take('@')) return false
    const domain = this.#domain()
    const name = local.map(({ text }) => text).join('')
    const address = domain === undefined ? undefined : parseAddress(`${quote(name)}@${domain}`)
    if (address !== undefined) this.#found.push(address)
    return address !== undefined
  }

  #domain(): string | undefined {
    const first = this.#tokens[this.#at]
    if (first?.kind === 'literal') {
      this.#at += 1
      return first.text
    }
    const words = this.#words()
    return words.every(({ kind }) => kind !== 'quoted') ? words.map(({ text }) => text).join('') : undefined
  }

  /** Words and dots from here on. */
  #words(): Token[] {
    const begin = this.#at
    for (; ; this.#at++) {
      const token = this.#tokens[this.#at]
      if (token === undefined || token.kind === 'literal') break
      if (token.kind === 'special' && token.text !== '.') break
    }
    return this.#tokens.slice(begin, this.#at)
  }

  /** Behind an address there is a comma, the end of its group, or nothing. */
  #ends(): boolean {
    if (this.#at === this.#tokens.length) return true
    if (this.#take(',')) return true
    if (!this.#inGroup || !this.#take(';')) return false
    this.#inGroup = false
    return this.#at === this.#tokens.length || this.#take(',')
  }

  #is(special: string): boolean {
    const token = this.#tokens[this.#at]
    return token?.kind === 'special' && token.text === special
  }

  #take(special: string): boolean {
    const there = this.#is(special)
    if (there) this.#at += 1
    return there
  }
}

function isDot({ kind, text }: Token): boolean {
  return kind === 'special' && text === '.'
}

function quote(local: string): string {
  return `"${local.replaceAll(/["\\]/g, String.raw`\$&`)}"`
}
