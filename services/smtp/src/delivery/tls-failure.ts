/** RFC 8460 §4.3: what a connection that is not as private as it should be is called in reports to the domain. */
import type { TlsFailureKind, TlsPolicy } from '@sealpost/mail'

/** How the TLS of one session came out. */
export interface TlsResult {
  /** Of the recipients: A-labels. */
  readonly domain: string
  readonly policy: TlsPolicy
  /** Undefined: as the policy demands. */
  readonly failure: TlsFailureKind | undefined
}

export type TlsFault = Pick<TlsFailureKind, 'type' | 'reason'>

const CODE = /^[A-Z][A-Z\d_]{1,63}$/
/** OpenSSL's names for what is wrong with a chain, as Node tells them. */
const UNTRUSTED =
  /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|CRL_|HOSTNAME_)/

/** Of a code, or an error that has one. */
export function tlsFault(cause: unknown): TlsFault {
  const code = typeof cause === 'string' ? cause : codeOf(cause)
  const reason = code !== undefined && CODE.test(code) ? code : undefined
  if (reason === 'CERT_HAS_EXPIRED') return { type: 'certificate-expired' }
  if (reason === 'ERR_TLS_CERT_ALTNAME_INVALID') return { type: 'certificate-host-mismatch' }
  if (reason !== undefined && UNTRUSTED.test(reason)) return { type: 'certificate-not-trusted', reason }
  return { type: 'validation-failure', reason }
}

function codeOf(cause: unknown): string | undefined {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? code : undefined
}
