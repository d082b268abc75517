/** draft-koch-openpgp-webkey-service §3.1: how the Web Key Directory names a mailbox. */
import { createHash } from 'node:crypto'
import { domainToASCII } from 'node:url'
import { normalizeAddress } from '@sealpost/openpgp'

export interface Mailbox {
  /** As DNS has it: lower case, A-labels. */
  readonly domain: string
  /** SHA-1 of the local part in lower case: 20 octets. */
  readonly hash: Buffer
}

/** Of an address in the form in which addresses are compared. */
export function mailboxOf(address: string): Mailbox {
  const at = address.indexOf('@')
  return { domain: domainToASCII(address.slice(at + 1)), hash: localPartHash(address.slice(0, at)) }
}

/** Only letters of ASCII are mapped to lower case. */
export function localPartHash(localPart: string): Buffer {
  const lower = localPart.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
  return createHash('sha1').update(lower).digest()
}

/**
 * The mailbox that somebody asks for by the hash of a local part, and perhaps by the local part itself. We compare addresses without regard to case in all
 * scripts, a hash only in ASCII: with the local part, others are found too. One that is not what was hashed counts for nothing.
 */
export function mailboxAskedFor(domain: string, hash: Buffer, localPart: string | undefined): Mailbox {
  if (localPart === undefined || !localPartHash(localPart).equals(hash)) return { domain, hash }
  const address = normalizeAddress(`${localPart}@${domain}`)
  return address === undefined ? { domain, hash } : { domain, hash: mailboxOf(address).hash }
}
