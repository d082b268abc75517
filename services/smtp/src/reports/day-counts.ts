/** What reports of one kind about one day (UTC) are made of: for each domain that wants them rows, and how often each was seen. Bounded: what is too much is not counted. */
import type { ReportKind } from '@sealpost/ports'

export const DAY_MS = 24 * 60 * 60_000
const DOMAINS_MAX = 2_000
const ROWS_OF_DOMAIN_MAX = 1_000
const ROWS_MAX = 20_000
/** Of one row; of all rows and notes. */
const ROW_CHARS_MAX = 4_096
/** Of what a domain publishes: a record in DNS may have 64 KiB. */
const NOTE_CHARS_MAX = 4_096
const CHARS_MAX = 8 * 1024 * 1024
const COUNT_MAX = 1_000_000_000

export interface DomainCounts {
  /** What the domain published last, as far as a report has to say it. */
  note: string
  readonly rows: Map<string, number>
  /** Destinations that have the report. */
  readonly done: Set<string>
}

/** As it is sealed. */
interface Encoded {
  readonly kind: ReportKind
  readonly day: string
  readonly uniqueId: string
  readonly sendAt: number
  readonly revision: number
  readonly domains: readonly (readonly [
    domain: string,
    note: string,
    done: readonly string[],
    rows: readonly (readonly [string, number])[],
  ])[]
}

export interface DayCountsParts {
  readonly kind: ReportKind
  /** `YYYY-MM-DD` */
  readonly day: string
  /** Letters and digits; the same in all reports of the day, also when one is sent again. */
  readonly uniqueId: string
  /** Milliseconds since the epoch. */
  readonly sendAt: number
}

export class DayCounts {
  readonly kind: ReportKind
  readonly day: string
  readonly uniqueId: string
  /** Not before. */
  sendAt: number
  /** Of what was sealed of it: a higher one holds more. */
  revision = 0
  /** Something has changed since it was sealed. */
  isChanged = false
  readonly #domains = new Map<string, DomainCounts>()
  #rows = 0
  #chars = 0

  constructor({ kind, day, uniqueId, sendAt }: DayCountsParts) {
    this.kind = kind
    this.day = day
    this.uniqueId = uniqueId
    this.sendAt = sendAt
  }

  /** Milliseconds since the epoch. */
  get begin(): number {
    return Date.parse(`${this.day}T00:00:00Z`)
  }

  get domains(): readonly string[] {
    return [...this.#domains.keys()]
  }

  of(domain: string): DomainCounts | undefined {
    return this.#domains.get(domain)
  }

  /** False: there is no room for it, and it is not counted. */
  add(domain: string, row: string, note: string, count = 1): boolean {
    const known = this.#domains.get(domain)
    const before = known?.rows.get(row)
    const chars = note.length - (known?.note.length ?? 0) + (before === undefined ? row.length : 0)
    if (note.length > NOTE_CHARS_MAX || this.#chars + chars > CHARS_MAX) return false
    if (before === undefined && !this.#hasRoom(known, row)) return false
    const counts = known ?? { note, rows: new Map(), done: new Set() }
    if (known === undefined) this.#domains.set(domain, counts)
    if (before === undefined) this.#rows += 1
    this.#chars += chars
    counts.note = note
    counts.rows.set(row, Math.min((before ?? 0) + count, COUNT_MAX))
    this.isChanged = true
    return true
  }

  /** Its report is sent, or nobody wants it. */
  forget(domain: string): void {
    const counts = this.#domains.get(domain)
    if (counts === undefined) return
    this.#domains.delete(domain)
    this.#rows -= counts.rows.size
    this.#chars -= counts.note.length
    for (const row of counts.rows.keys()) this.#chars -= row.length
    this.isChanged = true
  }

  encode(): Buffer {
    const { kind, day, uniqueId, sendAt, revision } = this
    const domains = [...this.#domains].map(
      ([domain, { note, done, rows }]) => [domain, note, [...done], [...rows]] as const,
    )
    const encoded: Encoded = { kind, day, uniqueId, sendAt, revision, domains }
    return Buffer.from(JSON.stringify(encoded))
  }

  /** What `encode` wrote and the seal has authenticated. */
  static decode(bytes: Buffer): DayCounts {
    const { domains, revision, ...parts } = JSON.parse(bytes.toString()) as Encoded
    const day = new DayCounts(parts)
    for (const [domain, note, done, rows] of domains) {
      for (const [row, count] of rows) day.add(domain, row, note, count)
      for (const uri of done) day.of(domain)?.done.add(uri)
    }
    day.revision = revision
    day.isChanged = false
    return day
  }

  #hasRoom(counts: DomainCounts | undefined, row: string): boolean {
    if (row.length > ROW_CHARS_MAX || this.#rows >= ROWS_MAX) return false
    return counts === undefined ? this.#domains.size < DOMAINS_MAX : counts.rows.size < ROWS_OF_DOMAIN_MAX
  }
}
