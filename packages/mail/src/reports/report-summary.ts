/** What is counted of a report that somebody sent about one of our domains; whom it is about beyond that is not read. */

export interface ReportSummary {
  /** As the report names itself; to know it again by. */
  readonly id: string
  /** Milliseconds since the epoch: where the reported time begins. */
  readonly begin: number
  readonly counts: readonly ReportCount[]
}

export interface ReportCount {
  /** A-labels in lower case. */
  readonly domain: string
  readonly result: string
  /** Of mails (DMARC) or sessions (TLS): a positive safe integer. */
  readonly count: number
}

const ID_CHARS_MAX = 500
/** What one report adds up to at most: no honest one comes near. */
export const COUNT_MAX = 1_000_000_000
const DOMAIN =
  /^(?=.{1,253}$)[\da-z_](?:[\da-z_-]{0,61}[\da-z_])?(?:\.[\da-z_](?:[\da-z_-]{0,61}[\da-z_])?)*$/

/** Undefined: none that could be one of ours. */
export function readDomain(text: unknown): string | undefined {
  if (typeof text !== 'string') return undefined
  const domain = text.trim().toLowerCase().replace(/\.$/, '')
  return DOMAIN.test(domain) ? domain : undefined
}

export function readId(text: unknown): string | undefined {
  return typeof text === 'string' && text.trim() !== '' && text.length <= ID_CHARS_MAX
    ? text.trim()
    : undefined
}

/** Sums up by domain and result. */
export class ReportCounter {
  readonly #counts = new Map<string, { domain: string; result: string; count: number }>()

  add(domain: string, result: string, count: number): void {
    if (count <= 0) return
    const key = `${domain} ${result}`
    const known = this.#counts.get(key)
    if (known === undefined) this.#counts.set(key, { domain, result, count: Math.min(count, COUNT_MAX) })
    else known.count = Math.min(known.count + count, COUNT_MAX)
  }

  get counts(): readonly ReportCount[] {
    return [...this.#counts.values()]
  }
}
