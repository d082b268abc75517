/** The port to reports on our domains, over HTTP: its path, and its answer as it is read on the other side. */
import { count, DAY, fields, list, oneOf, text } from './answer.ts'
import { REPORT_KINDS, REPORTED_LIST_MAX, type ReportedDay } from './mail-reports.ts'

/** As a router writes it; takes `days` and `domain`, answers `{ items }`. */
export const MAIL_REPORTS_PATH = '/internal/mail/reports'

const RESULTS_MAX = 50
const NAME = /^[\w.-]{1,253}$/

/** Throws PORT_FAILED, as every other reader does. */
export function readReported(answer: unknown): ReportedDay[] {
  return list(fields(answer)['items'], REPORTED_LIST_MAX).map((item) => ({
    kind: oneOf(item['kind'], REPORT_KINDS),
    domain: text(item['domain'], NAME),
    day: text(item['day'], DAY),
    reporter: text(item['reporter'], NAME),
    results: list(item['results'], RESULTS_MAX).map((result) => ({
      result: text(result['result'], NAME),
      count: count(result['count']),
    })),
  }))
}
