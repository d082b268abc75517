/** RFC 6376: signs what leaves. */
import type { Content } from '../content.ts'

export interface Signer {
  /**
   * The DKIM-Signature fields to put in front of the header, one for each key of the domain in use (RSA and Ed25519), each ending in CRLF; empty when the domain has none.
   * The content must be what goes on the wire, byte for byte.
   */
  sign(domain: string, content: Content): Promise<Buffer>
}
