/** Where others send reports about our domains to, and from where ours come. No account has these names. */
import { REPORT_NAMES } from '@sealpost/accounts'
import { type EmailAddress, parseAddress } from '@sealpost/mail'
import { assert } from '@sealpost/errors'
import { REPORT_KINDS, type ReportKind } from '@sealpost/ports'

/** `domain`: one of ours, in A-labels. */
export function reportAddress(kind: ReportKind, domain: string): EmailAddress {
  const address = parseAddress(`${REPORT_NAMES[kind]}@${domain}`)
  assert.ok(address !== undefined, 'a name of ours and a domain are an address')
  return address
}

/** What an address of one of our domains is for; undefined: no reports. */
export function reportKind({ local }: Pick<EmailAddress, 'local'>): ReportKind | undefined {
  const name = local.toLowerCase()
  return REPORT_KINDS.find((kind) => REPORT_NAMES[kind] === name)
}
