/** RFC 5322 without I/O: header sections, addresses, and how a mail is encrypted. */
export { parseAddressList } from './address-list.ts'
export { Base64Size, decodedSize } from './decoded-size.ts'
export type { DecodedSize } from './decoded-size.ts'
export { formatAddress, parseAddress } from './email-address.ts'
export type { EmailAddress } from './email-address.ts'
export { encryptionReader, isDeliveryReport } from './encryption/encryption.ts'
export type { BodyReader, Encryption } from './encryption/encryption.ts'
export { transferDecoder } from './encryption/transfer-decoder.ts'
export type { TransferDecoder } from './encryption/transfer-decoder.ts'
export { pgpMimeDisguise } from './encryption/pgp-mime-disguise.ts'
export type { BodyTransform } from './encryption/pgp-mime-disguise.ts'
export { MailHeader } from './mail-header.ts'
export type { HeaderField } from './mail-header.ts'
export { parseMediaType } from './media-type.ts'
export type { MediaType } from './media-type.ts'
export { MimeWalker } from './mime-walker.ts'
export type { MimeFault, MimeLeafReader, MimeLimits, MimePart, MimeVisitor } from './mime-walker.ts'
export { DMARC_RESULTS, DmarcReportReader } from './reports/dmarc-report-reader.ts'
export type { DmarcResult } from './reports/dmarc-report-reader.ts'
export { writeDmarcReport } from './reports/dmarc-report.ts'
export type {
  DkimAuthResult,
  DmarcDisposition,
  DmarcPolicy,
  DmarcRecord,
  DmarcReport,
  DmarcRow,
} from './reports/dmarc-report.ts'
export { writeReportMail } from './reports/report-mail.ts'
export type { ReportMail } from './reports/report-mail.ts'
export { ReportCounter } from './reports/report-summary.ts'
export type { ReportCount, ReportSummary } from './reports/report-summary.ts'
export { parseDmarcTags, parseDmarcUris, parseTlsReporting } from './reports/report-uris.ts'
export type { ReportUri } from './reports/report-uris.ts'
export { readTlsReport, TLS_RESULT_TYPES, writeTlsReport } from './reports/tls-report.ts'
export type {
  TlsFailure,
  TlsFailureKind,
  TlsPolicy,
  TlsPolicyCounts,
  TlsPolicyType,
  TlsReport,
  TlsResultType,
} from './reports/tls-report.ts'
