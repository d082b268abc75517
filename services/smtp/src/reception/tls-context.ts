/** The TLS context in force: replaced when the certificate is, while open connections keep theirs. */
import { createHash, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { TLS_POLICY } from '@sealpost/http'
import type { TlsSource } from '@sealpost/service'

/** ecdsa-with-SHA384, sha384WithRSAEncryption; ecdsa-with-SHA512, sha512WithRSAEncryption */
const SHA384_SIGNATURES = ['1.2.840.10045.4.3.3', '1.2.840.113549.1.1.12']
const SHA512_SIGNATURES = ['1.2.840.10045.4.3.4', '1.2.840.113549.1.1.13']

export interface TlsIdentity {
  readonly context: SecureContext
  /** RFC 5929 §4.1: hash of the server's certificate. */
  readonly endPoint: Buffer
}

export class TlsContext implements Disposable {
  #current: TlsIdentity
  readonly #following: Disposable

  constructor(source: TlsSource) {
    this.#current = load(source)
    this.#following = source.onChange(() => {
      this.#current = load(source)
    })
  }

  get current(): TlsIdentity {
    return this.#current
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]()
  }
}

function load(source: TlsSource): TlsIdentity {
  const { cert, key } = source.current()
  return { context: createSecureContext({ cert, key, ...TLS_POLICY }), endPoint: endPointOf(cert) }
}

/** RFC 5929 §4.1: by the hash of the certificate's own signature, and SHA-256 where that is weaker. */
function endPointOf(pem: string): Buffer {
  const { raw, signatureAlgorithmOid } = new X509Certificate(pem)
  const strong = SHA384_SIGNATURES.includes(signatureAlgorithmOid) ? 'sha384' : 'sha256'
  return createHash(SHA512_SIGNATURES.includes(signatureAlgorithmOid) ? 'sha512' : strong)
    .update(raw)
    .digest()
}
