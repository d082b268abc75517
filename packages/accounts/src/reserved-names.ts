/**
 * Local parts of addresses that the server writes from or reads itself, so that no account may have them. `postmaster` and `abuse` are none of these: an account may
 * have them, and gets their mail then.
 */

import { parseAppLogin } from './app-passwords.ts'

/** Where keys are submitted by mail, at each domain. draft-koch-openpgp-webkey-service §4.1 */
export const KEY_SUBMISSION_NAME = 'key-submission'
/** What the other mails of the key directory come from, at the first domain. */
export const KEY_SENDER_NAME = 'keys'
/** Where reports of other mail servers come, at each domain, and what ours come from: RFC 8460, RFC 9990. */
export const REPORT_NAMES = { tls: 'tls-reports', dmarc: 'dmarc-reports' } as const

const RESERVED: ReadonlySet<string> = new Set([
  KEY_SUBMISSION_NAME,
  KEY_SENDER_NAME,
  ...Object.values(REPORT_NAMES),
])

/** Of a local part in its canonical form; what looks like the login of an app password is nobody's name either. */
export function isReservedName(localpart: string): boolean {
  return RESERVED.has(localpart) || parseAppLogin(localpart) !== undefined
}
