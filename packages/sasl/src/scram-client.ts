/** RFC 5802, RFC 7677: the client of SCRAM, for tests, benchmarks and administration. */
import { timingSafeEqual } from 'node:crypto'
import { assert } from '@sealpost/errors'
import { type SaslOffer, offerHash } from './downgrade-protection.ts'
import { digest, hmac, type ScramHash } from './hmac.ts'
import { SaslError } from './sasl-error.ts'
import { readServerFinal, readServerFirst, writeName } from './scram-message.ts'
import { saltPassword, xor } from './scram-verifier.ts'

export interface ScramClientOptions {
  readonly hash: ScramHash
  /** Use the mechanism with `-PLUS`; needs `channelBinding`. Without it, having `channelBinding` makes the client say `y`. RFC 5802 §6 */
  readonly plus: boolean
  readonly username: string
  readonly password: string
  readonly authzid?: string
  readonly channelBinding?: { readonly type: string; readonly data: Buffer }
  /** Bytes from a CSPRNG. */
  readonly random: (count: number) => Buffer
  /** What was seen of the server's offer: if the server says otherwise, somebody changed it on the way. XEP-0474 §5.2 */
  readonly offer?: SaslOffer
  /** The version of the client's own TLS connection, `0303` or `0304`: if the server says otherwise, theirs are two. XEP-0515 §4.2 */
  readonly tlsVersion?: string | undefined
}

/** One sign-in: `first`, `final`, `verify`, in this order. */
export interface ScramClientExchange {
  /** The client-first-message. */
  first(): string
  /** The client-final-message. Throws SaslError when the server's message is malformed, not for our nonce, or asks for too little or too much work. */
  final(serverFirst: string): Promise<string>
  /** Throws SaslError `not-authorized` unless the server has proven that it knows the verifier. */
  verify(serverFinal: string): void
}

/** RFC 7677 §4 sets the least; the most keeps a server from stopping us. */
const ITERATIONS = { min: 4096, max: 1_000_000 }
const NONCE_BYTES = 18

class ScramClient implements ScramClientExchange {
  readonly #options: ScramClientOptions
  readonly #nonce: string
  readonly #header: string
  #serverSignature: Buffer | undefined

  constructor(options: ScramClientOptions, nonce: string) {
    this.#options = options
    this.#nonce = nonce
    const authzid = options.authzid === undefined ? '' : `a=${writeName(options.authzid)}`
    this.#header = `${bindingFlag(options)},${authzid},`
  }

  first(): string {
    return this.#header + this.#bare()
  }

  async final(serverFirst: string): Promise<string> {
    const { hash, password, plus, channelBinding, offer, tlsVersion } = this.#options
    const server = readServerFirst(Buffer.from(serverFirst))
    const { nonce, salt, iterations } = server
    const differs = (said: string | undefined, seen: string | undefined) =>
      said !== undefined && seen !== undefined && said !== seen
    const seen = offer && offerHash(hash, offer)
    if (differs(server.offerHash, seen)) throw new SaslError('not-authorized')
    if (differs(server.tlsVersion, tlsVersion)) throw new SaslError('not-authorized')
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce) throw new SaslError('not-authorized')
    if (iterations < ITERATIONS.min || iterations > ITERATIONS.max) throw new SaslError('mechanism-too-weak')
    const salted = await saltPassword(password, hash, { salt, iterations })
    const data = plus && channelBinding ? channelBinding.data : Buffer.alloc(0)
    const binding = Buffer.concat([Buffer.from(this.#header), data]).toString('base64')
    const withoutProof = `c=${binding},r=${nonce}`
    const authMessage = `${this.#bare()},${serverFirst},${withoutProof}`
    const clientKey = hmac(hash, salted, 'Client Key')
    const proof = xor(clientKey, hmac(hash, digest(hash, clientKey), authMessage))
    this.#serverSignature = hmac(hash, hmac(hash, salted, 'Server Key'), authMessage)
    return `${withoutProof},p=${proof.toString('base64')}`
  }

  verify(serverFinal: string): void {
    assert(this.#serverSignature, 'verify() comes after final()')
    const signature = readServerFinal(Buffer.from(serverFinal))
    const same =
      signature.length === this.#serverSignature.length && timingSafeEqual(signature, this.#serverSignature)
    if (!same) throw new SaslError('not-authorized')
  }

  #bare(): string {
    return `n=${writeName(this.#options.username)},r=${this.#nonce}`
  }
}

function bindingFlag({ plus, channelBinding }: ScramClientOptions): string {
  assert(channelBinding || !plus, '-PLUS needs a channel binding')
  if (!channelBinding) return 'n'
  return plus ? `p=${channelBinding.type}` : 'y'
}

/** As `scramClient`, with the client's nonce given: the published examples can be followed to the letter. */
export function scramClientWithNonce(options: ScramClientOptions, nonce: string): ScramClientExchange {
  return new ScramClient(options, nonce)
}

/** The client's side of one sign-in. */
export function scramClient(options: ScramClientOptions): ScramClientExchange {
  return scramClientWithNonce(options, options.random(NONCE_BYTES).toString('base64'))
}
