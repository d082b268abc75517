/** Where others send reports about our domains to, and from where ours come. No account has these names. */
import { type EmailAddress, parseAddress } from '@sealpost/mail'
import { assert } from '@sealpost/errors'

/** `tls`: RFC 8460. `dmarc`: RFC 9990. */
export const REPORT_KINDS = ['tls', 'dmarc'] as const
export type ReportKind = (typeof REPORT_KINDS)[number]

const LOCALS = { tls: 'tls-reports', dmarc: 'dmarc-reports' } as const

/** `domain`: one of ours, in A-labels. */
export function reportAddress(kind: ReportKind, domain: string): EmailAddress {
  const address = parseAddress(`${LOCALS[kind]}@${domain}`)
  assert.ok(address !== undefined, 'a name of ours and a domain are an address')
  return address
}

/** What an address of one of our domains is for; undefined: no reports. */
export function reportKind({ local }: Pick<EmailAddress, 'local'>): ReportKind | undefined {
  const name = local.toLowerCase()
  return REPORT_KINDS.find((kind) => LOCALS[kind] === name)
}
