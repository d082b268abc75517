/** Which account an address of one of our domains stands for. */
import { KEY_SENDER_NAME, KEY_SUBMISSION_NAME } from '@sealpost/accounts'
import { type Jid, JidError, parseJid } from '@sealpost/jid'
import type { EmailAddress } from '@sealpost/mail'

/** Our domain; undefined: it is somebody else's. */
export function localDomain({ domain }: EmailAddress, domains: readonly string[]): string | undefined {
  return domains.find((ours) => ours === domain)
}

/** Whether keys are submitted there. draft-koch-openpgp-webkey-service §4.1 */
export function isSubmissionAddress(address: EmailAddress, domains: readonly string[]): boolean {
  return address.local.toLowerCase() === KEY_SUBMISSION_NAME && localDomain(address, domains) !== undefined
}

/** Whether mails of the key directory come from there, and nobody reads what is sent to it. */
export function isKeySender(address: EmailAddress, domains: readonly string[]): boolean {
  return address.local.toLowerCase() === KEY_SENDER_NAME && localDomain(address, domains) === domains[0]
}

/** The bare JID whose account has the address, if it is anybody's. */
export function mailboxJid(address: EmailAddress, domains: readonly string[]): Jid | undefined {
  const domain = localDomain(address, domains)
  if (domain === undefined) return undefined
  try {
    const [jid, ours] = [parseJid(`${address.local}@${domain}`), parseJid(domain)]
    return jid.domain === ours.domain && jid.local !== '' && jid.resource === '' ? jid : undefined
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
