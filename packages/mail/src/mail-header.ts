/** RFC 5322 §2.2: a header section, field by field, every byte of a field that is not touched kept. */

/** One field as it stands in the mail. */
export interface HeaderField {
  /** In lower case. */
  readonly name: string
  /** With name, folding and the closing CRLF. */
  readonly raw: Buffer
}

const CRLF = '\r\n'
/** RFC 5322 §2.2: printable US-ASCII but the colon. */
const NAME = /^[!-9;-~]+$/
const FIELD = /^([!-9;-~]+)[ \t]*:/
const CONTINUED = /^[ \t]/

export class MailHeader {
  #fields: HeaderField[]

  private constructor(fields: HeaderField[]) {
    this.#fields = fields
  }

  /** Of the bytes before the body; the closing empty line may be there or not. Lines end in CRLF. Undefined: a line is no field and continues none. */
  static parse(bytes: Buffer): MailHeader | undefined {
    const fields: HeaderField[] = []
    let begin = 0
    while (begin < bytes.length) {
      const end = endOfField(bytes, begin)
      const raw = bytes.subarray(begin, end)
      if (raw.toString('latin1') === CRLF) break
      const [, name] = FIELD.exec(raw.toString('latin1')) ?? []
      if (name === undefined) return undefined
      fields.push({ name: name.toLowerCase(), raw: withLineEnd(raw) })
      begin = end
    }
    return new MailHeader(fields)
  }

  static empty(): MailHeader {
    return new MailHeader([])
  }

  /** In the order of the mail. */
  get fields(): readonly HeaderField[] {
    return this.#fields
  }

  /** The unfolded values of all fields of this name, in order, without the blanks around them. Undecoded (RFC 2047). */
  values(name: string): string[] {
    const wanted = name.toLowerCase()
    return this.#fields.filter((field) => field.name === wanted).map(valueOf)
  }

  /** The first of them. */
  value(name: string): string | undefined {
    return this.values(name)[0]
  }

  /** In front of everything, as trace fields are. `value` may be folded; it must not break out of the field. */
  prepend(name: string, value: string): void {
    this.#fields.unshift(makeField(name, value))
  }

  append(name: string, value: string): void {
    this.#fields.push(makeField(name, value))
  }

  /** Every field of the name becomes this one, in the place of the first; behind everything when there was none. */
  replace(name: string, value: string): void {
    const wanted = name.toLowerCase()
    const place = this.#fields.findIndex((field) => field.name === wanted)
    if (place === -1) return this.append(name, value)
    const made = makeField(name, value)
    this.#fields = this.#fields.flatMap((field, index) => {
      if (index === place) return [made]
      return field.name === wanted ? [] : [field]
    })
  }

  /** Every field for which this holds; returns how many. */
  remove(which: string | ((field: HeaderField) => boolean)): number {
    const matches =
      typeof which === 'string' ? ({ name }: HeaderField) => name === which.toLowerCase() : which
    const before = this.#fields.length
    this.#fields = this.#fields.filter((field) => !matches(field))
    return before - this.#fields.length
  }

  /** With the closing empty line. */
  toBuffer(): Buffer {
    return Buffer.concat([...this.#fields.map(({ raw }) => raw), Buffer.from(CRLF)])
  }
}

/** Where the field that begins here ends: behind the CRLF whose next line does not begin with a blank. */
function endOfField(bytes: Buffer, begin: number): number {
  for (let from = begin; ;) {
    const at = bytes.indexOf(CRLF, from)
    if (at === -1) return bytes.length
    const next = bytes[at + 2]
    const blankLine = at === begin
    if (blankLine || (next !== 0x20 && next !== 0x09)) return at + 2
    from = at + 2
  }
}

function withLineEnd(raw: Buffer): Buffer {
  return raw.subarray(-2).toString('latin1') === CRLF ? raw : Buffer.concat([raw, Buffer.from(CRLF)])
}

function valueOf({ raw }: HeaderField): string {
  const text = raw.toString('utf8')
  return text
    .slice(text.indexOf(':') + 1)
    .replaceAll(CRLF, '')
    .trim()
}

function makeField(name: string, value: string): HeaderField {
  const lines = value.split(CRLF)
  const breaksOut =
    lines.some((line) => /[\r\n\0]/.test(line)) || lines.slice(1).some((line) => !CONTINUED.test(line))
  if (!NAME.test(name) || breaksOut) throw new TypeError('Not a header field')
  return { name: name.toLowerCase(), raw: Buffer.from(`${name}: ${value}${CRLF}`) }
}
