/** What other services may ask about reports of others on our domains: TLS (RFC 8460) and DMARC (RFC 9990). */

export const REPORT_KINDS = ['tls', 'dmarc'] as const
export type ReportKind = (typeof REPORT_KINDS)[number]

/** What one reporter said about one of our domains and one day. */
export interface ReportedDay {
  readonly kind: ReportKind
  /** A-labels. */
  readonly domain: string
  /** `YYYY-MM-DD`, in UTC as far as the reporter kept to it. */
  readonly day: string
  /** The domain that the report was proven to be from. */
  readonly reporter: string
  /** The most frequent first. */
  readonly results: readonly ReportedResult[]
}

export interface ReportedResult {
  /** `tls`: `success`, a result type of RFC 8460 §4.3, or `other`. `dmarc`: `pass`, `pass-dkim`, `pass-spf`, `fail-none`, `fail-quarantine`, `fail-reject`. */
  readonly result: string
  /** Sessions or mails. */
  readonly count: number
}

/** For how many days they are kept, and most of one list. */
export const REPORTED_DAYS_MAX = 90
export const REPORTED_LIST_MAX = 1_000

/** Rejects with PortError when the mail relay is in another process and away. */
export interface MailReports {
  /** Of the last so many days and today, latest first, at most REPORTED_LIST_MAX; of one domain if told. */
  reported(days: number, domain?: string): Promise<readonly ReportedDay[]>
}
