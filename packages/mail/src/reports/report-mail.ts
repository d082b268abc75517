/** A report as a mail: RFC 8460 §5.3, RFC 9990 §3.5.2. */
import { type EmailAddress, formatAddress } from '../email-address.ts'
import { MailHeader } from '../mail-header.ts'

export interface ReportMail {
  readonly kind: 'tls' | 'dmarc'
  /** About which it is, and whose report it is: A-labels. */
  readonly domain: string
  readonly submitter: string
  /** With an `@`, without angle brackets. */
  readonly id: string
  readonly from: EmailAddress
  readonly to: EmailAddress
  /** Milliseconds since the epoch: of the mail, and of the period reported. */
  readonly date: number
  readonly begin: number
  readonly end: number
  /** Letters and digits: to tell files apart. */
  readonly uniqueId: string
  readonly boundary: string
  readonly gzip: Buffer
}

const LINE_CHARS = 76
const TYPES = { tls: 'application/tlsrpt+gzip', dmarc: 'application/gzip' } as const
const EXTENSIONS = { tls: 'json.gz', dmarc: 'xml.gz' } as const
const NAMES = { tls: 'TLS', dmarc: 'DMARC' } as const

export function writeReportMail(report: ReportMail): { readonly header: Buffer; readonly body: Buffer } {
  const { kind, domain, submitter, id, from, to, date, boundary } = report
  const header = MailHeader.empty()
  header.append('Date', new Date(date).toUTCString().replace('GMT', '+0000'))
  header.append('From', `<${formatAddress(from)}>`)
  header.append('To', `<${formatAddress(to)}>`)
  header.append('Subject', `Report Domain: ${domain}\r\n\tSubmitter: ${submitter}\r\n\tReport-ID: <${id}>`)
  header.append('Message-ID', `<${id}>`)
  header.append('Auto-Submitted', 'auto-generated') // RFC 3834 §5
  if (kind === 'tls') {
    header.append('TLS-Report-Domain', domain)
    header.append('TLS-Report-Submitter', submitter)
  }
  header.append('MIME-Version', '1.0')
  const type = kind === 'tls' ? 'multipart/report; report-type="tlsrpt"' : 'multipart/mixed'
  header.append('Content-Type', `${type};\r\n\tboundary="${boundary}"`)
  return { header: header.toBuffer(), body: writeBody(report) }
}

/** RFC 8460 §5.1, RFC 9990 §3.5.2: seconds since the epoch. */
export function reportFileName({ kind, domain, submitter, begin, end, uniqueId }: ReportMail): string {
  const [first, last] = [begin, end].map((ms) => String(Math.floor(ms / 1000)))
  return `${[submitter, domain, first, last, uniqueId].join('!')}.${EXTENSIONS[kind]}`
}

function writeBody(report: ReportMail): Buffer {
  const { kind, domain, submitter, begin, boundary, gzip } = report
  const day = new Date(begin).toISOString().slice(0, 10)
  const lines = gzip.toString('base64').match(new RegExp(`.{1,${String(LINE_CHARS)}}`, 'g')) ?? []
  return Buffer.from(
    [
      `--${boundary}`,
      'Content-Type: text/plain; charset=us-ascii',
      'Content-Transfer-Encoding: 7bit',
      '',
      `This is an aggregate ${NAMES[kind]} report of ${submitter}`,
      `about ${domain} for ${day} (UTC).`,
      '',
      `--${boundary}`,
      `Content-Type: ${TYPES[kind]}`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: attachment;\r\n\tfilename="${reportFileName(report)}"`,
      '',
      ...lines,
      `--${boundary}--`,
      '',
    ].join('\r\n'),
  )
}
