/** RFC 9990, and RFC 7489 as most still write it: a DMARC aggregate report while it comes in. Only counts by outcome are taken; source addresses are passed over. */
import { ReportCounter, type ReportSummary, readDomain, readId } from './report-summary.ts'
import { XmlReader } from './xml-reader.ts'

/** `pass` by both, or by one of them; `fail` and what was done. */
export const DMARC_RESULTS = [
  'pass',
  'pass-dkim',
  'pass-spf',
  'fail-none',
  'fail-quarantine',
  'fail-reject',
] as const
export type DmarcResult = (typeof DMARC_RESULTS)[number]

const RECORDS_MAX = 100_000
const SECONDS = /^\d{1,11}$/
const COUNT = /^\d{1,12}$/

/** Where texts are looked for, below the root. */
const RECORD = 'record'
const PATHS = {
  id: 'report_metadata/report_id',
  begin: 'report_metadata/date_range/begin',
  domain: 'policy_published/domain',
  count: 'record/row/count',
  disposition: 'record/row/policy_evaluated/disposition',
  dkim: 'record/row/policy_evaluated/dkim',
  spf: 'record/row/policy_evaluated/spf',
} as const
type Path = keyof typeof PATHS
const NAMES = new Map(Object.entries(PATHS).map(([name, path]) => [path as string, name as Path]))

export class DmarcReportReader {
  readonly #xml: XmlReader
  readonly #path: string[] = []
  readonly #found = new Map<Path, string>()
  readonly #results = new Map<DmarcResult, number>()
  #records = 0
  #fault = false

  constructor() {
    this.#xml = new XmlReader({ open: (name) => this.#open(name), close: (text) => this.#close(text) })
  }

  /** Nothing that follows can mend it. */
  get fault(): boolean {
    return this.#fault || this.#xml.fault
  }

  write(chunk: string): void {
    if (!this.fault) this.#xml.write(chunk)
  }

  /** Undefined: it is no such report. */
  end(): ReportSummary | undefined {
    if (!this.#xml.end() || this.#fault) return undefined
    const [id, domain] = [readId(this.#found.get('id')), readDomain(this.#found.get('domain'))]
    const begin = this.#found.get('begin')?.trim() ?? ''
    if (id === undefined || domain === undefined || !SECONDS.test(begin) || this.#records === 0)
      return undefined
    const counter = new ReportCounter()
    for (const [result, count] of this.#results) counter.add(domain, result, count)
    return { id, begin: Number(begin) * 1000, counts: counter.counts }
  }

  #open(name: string): void {
    this.#path.push(name)
    if (this.#path.length === 1 && name !== 'feedback') this.#fault = true
  }

  #close(text: string): void {
    const path = this.#path.slice(1).join('/')
    this.#path.pop()
    const name = NAMES.get(path)
    if (name !== undefined) this.#found.set(name, text)
    if (path === RECORD) this.#record()
  }

  #record(): void {
    const count = this.#found.get('count')?.trim() ?? ''
    const result = this.#result()
    this.#records += 1
    if (!COUNT.test(count) || result === undefined || this.#records > RECORDS_MAX) {
      this.#fault = true
      return
    }
    this.#results.set(result, (this.#results.get(result) ?? 0) + Number(count))
    for (const name of ['count', 'disposition', 'dkim', 'spf'] as const) this.#found.delete(name)
  }

  #result(): DmarcResult | undefined {
    const [dkim, spf] = [this.#verdict('dkim'), this.#verdict('spf')]
    if (dkim === undefined || spf === undefined) return undefined
    if (dkim && spf) return 'pass'
    if (dkim) return 'pass-dkim'
    if (spf) return 'pass-spf'
    // `pass` with neither is a contradiction; nothing was done.
    const disposition = this.#found.get('disposition')?.trim().toLowerCase()
    if (disposition === 'quarantine') return 'fail-quarantine'
    return disposition === 'reject' ? 'fail-reject' : 'fail-none'
  }

  #verdict(name: 'dkim' | 'spf'): boolean | undefined {
    const text = this.#found.get(name)?.trim().toLowerCase()
    return text === 'pass' ? true : text === 'fail' ? false : undefined
  }
}
