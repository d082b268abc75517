/** RFC 5322 without I/O: header sections and addresses. */
export { formatAddress, parseAddress } from './email-address.ts'
export type { EmailAddress } from './email-address.ts'
export { MailHeader } from './mail-header.ts'
export type { HeaderField } from './mail-header.ts'
