/** The port to reports on our domains, from another process. */
import { MAIL_REPORTS_PATH, readReported } from './mail-reports-wire.ts'
import type { MailReports } from './mail-reports.ts'
import { askPort, type PortClientOptions } from './port-client.ts'

export function mailReportsClient(options: PortClientOptions): MailReports {
  return {
    reported: (days, domain) => {
      const query = new URLSearchParams({ days: String(days), ...(domain === undefined ? {} : { domain }) })
      return askPort(
        options,
        { method: 'GET', path: `${MAIL_REPORTS_PATH}?${query.toString()}` },
        readReported,
      )
    },
  }
}
