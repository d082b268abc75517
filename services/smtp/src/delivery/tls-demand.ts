/** How private a connection has to be, and whether it is. */
import type { PeerCertificate, TLSSocket } from 'node:tls'
import { X509Certificate, createHash } from 'node:crypto'
import type { TlsaRecord } from '../dns/resolver.ts'

export type TlsDemand =
  /** Not offered to us, or failed before. */
  | { readonly kind: 'none' }
  /** RFC 7435: when it is offered, whoever the server is. */
  | { readonly kind: 'opportunistic' }
  /** Encrypted, whoever the server is (RFC 7672 §2.2: no usable record). */
  | { readonly kind: 'encrypted' }
  /** A certificate for the name of the server, by a known authority (RFC 8461 §4.1). */
  | { readonly kind: 'verified' }
  /** RFC 7672. */
  | { readonly kind: 'dane'; readonly records: readonly TlsaRecord[]; readonly names: readonly string[] }

const [DANE_TA, DANE_EE] = [2, 3]
const HASHES: Readonly<Record<number, string>> = { 1: 'sha256', 2: 'sha512' }
const CHAIN_MAX = 10

/** RFC 7672 §3.1: what of the records an SMTP client goes by. */
export function usableRecords(records: readonly TlsaRecord[]): TlsaRecord[] {
  return records.filter(
    ({ usage, selector, matching }) =>
      (usage === DANE_TA || usage === DANE_EE) && selector <= 1 && (matching === 0 || matching in HASHES),
  )
}

/** Whether a connected server is the one that its records name. `now`: milliseconds since the epoch. */
export function fitsRecords(
  socket: TLSSocket,
  { records, names }: Extract<TlsDemand, { kind: 'dane' }>,
  now: number,
): boolean {
  const chain = chainOf(socket)
  const [leaf] = chain
  if (leaf === undefined) return false
  // RFC 7672 §3.1.1: with DANE-EE neither names nor dates count.
  if (records.some((record) => record.usage === DANE_EE && matches(leaf, record))) return true
  const anchors = records.filter(({ usage }) => usage === DANE_TA)
  return (
    anchors.length > 0 &&
    names.some((name) => leaf.checkHost(name, { subject: 'default' }) !== undefined) &&
    leadsToAnchor(chain, anchors, now)
  )
}

/** RFC 7672 §3.1.2: the leaf is signed by ... by a certificate of the chain that a record names. */
function leadsToAnchor(
  chain: readonly X509Certificate[],
  anchors: readonly TlsaRecord[],
  now: number,
): boolean {
  for (const [index, certificate] of chain.entries()) {
    if (now < certificate.validFromDate.getTime() || now > certificate.validToDate.getTime()) return false
    const child = chain[index - 1]
    if (child !== undefined && !(certificate.ca && child.verify(certificate.publicKey))) return false
    if (index > 0 && anchors.some((record) => matches(certificate, record))) return true
  }
  return false
}

function matches(certificate: X509Certificate, { selector, matching, data }: TlsaRecord): boolean {
  const subject =
    selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
  const hash = HASHES[matching]
  return (hash === undefined ? subject : createHash(hash).update(subject).digest()).equals(data)
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next: PeerCertificate | undefined = socket.getPeerCertificate(true)
  while (next?.raw !== undefined && chain.length < CHAIN_MAX) {
    const certificate = new X509Certificate(next.raw)
    if (chain.at(-1)?.fingerprint256 === certificate.fingerprint256) break
    chain.push(certificate)
    next = (next as { issuerCertificate?: PeerCertificate }).issuerCertificate
  }
  return chain
}
