/** XEP-0474 SASL SCRAM Downgrade Protection: what the server offered, as a hash that both sides sign with the password. */
import { digest, type ScramHash } from './hmac.ts'

/** What a server offered on this stream, in the profile of SASL that is in use. */
export interface SaslOffer {
  readonly mechanisms: readonly string[]
  /** Channel bindings by XEP-0440; undefined when it names none. */
  readonly bindings: readonly string[] | undefined
}

const SEPARATOR = '\u001E'
const PART = '\u001F'

/** The value of the SCRAM attribute `h`. XEP-0474 §5.1 */
export function offerHash(hash: ScramHash, { mechanisms, bindings }: SaslOffer): string {
  const parts = bindings === undefined ? [mechanisms] : [mechanisms, bindings]
  const text = parts.map((names) => names.toSorted(byOctets).join(SEPARATOR)).join(PART)
  return digest(hash, Buffer.from(text)).toString('base64')
}

/** `i;octet`, RFC 4790 §9.3 */
function byOctets(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right))
}
