/** RFC 5802, RFC 7677: the server of SCRAM-SHA-1 and SCRAM-SHA-256, with and without -PLUS. A state machine over two messages. */
import { timingSafeEqual } from 'node:crypto'
import { assert } from '@sealpost/errors'
import { type SaslOffer, offerHash } from './downgrade-protection.ts'
import { digest, hmac, type ScramHash } from './hmac.ts'
import { SaslError } from './sasl-error.ts'
import { readClientFinal, readClientFirst } from './scram-message.ts'
import type { BindingFlag, ClientFirst } from './scram-message.ts'
import { xor, type ScramVerifier } from './scram-verifier.ts'

export interface ScramServerOptions {
  readonly hash: ScramHash
  /** The client asked for the mechanism with `-PLUS` in its name. */
  readonly plus: boolean
  /** The server advertised such a mechanism on this stream: a client that says it saw none has been lied to. RFC 5802 §6 */
  readonly serverSupportsPlus: boolean
  /** The channel binding data of a type (`tls-exporter`, `tls-server-end-point`), or undefined where there is none. */
  readonly channelBinding: (type: string) => Buffer | undefined
  /** The verifier of a name as the client sent it, not normalised. For a name that nobody has: `decoyVerifier`, after the same work. */
  readonly lookup: (username: string) => Promise<ScramVerifier>
  /** Bytes from a CSPRNG. */
  readonly random: (count: number) => Buffer
  /** What was offered, so that a client can tell whether somebody shortened the list. XEP-0474 §5.1 */
  readonly offer?: SaslOffer | undefined
  /** The version of the TLS connection, `0303` or `0304`, so that a client can tell whether it ends elsewhere. XEP-0515 §4.1 */
  readonly tlsVersion?: string | undefined
}

/** One sign-in: `first`, then `final`, each once and in this order (anything else is a programmer error). */
export interface ScramServerExchange {
  /** Answers the client-first-message with the server-first-message. Throws SaslError, or what `lookup` throws. */
  first(clientFirst: Buffer): Promise<string>
  /** Answers the client-final-message with the server-final-message: the user is who they say. Throws SaslError. */
  final(clientFinal: Buffer): string
  /** The name that the client gave, unescaped, not normalised. Known once `first` has read its message, proven once `final` has returned. */
  readonly username: string
  /** The identity that the client wants to act as; undefined when it is its own. The caller decides whether it may. */
  readonly authzid: string | undefined
}

interface Challenge {
  readonly nonce: string
  readonly serverFirst: string
  readonly verifier: ScramVerifier
  /** What `c=` must decode to. RFC 5802 §7, cbind-input */
  readonly binding: Buffer
}

/** Bytes of randomness in the server's half of the nonce. */
const NONCE_BYTES = 18

class ScramServer implements ScramServerExchange {
  readonly #options: ScramServerOptions
  readonly #nonce: () => string
  #clientFirst: ClientFirst | undefined
  #challenge: Challenge | undefined

  constructor(options: ScramServerOptions, nonce: () => string) {
    this.#options = options
    this.#nonce = nonce
  }

  get username(): string {
    assert(this.#clientFirst, 'username is known after first()')
    return this.#clientFirst.username
  }

  get authzid(): string | undefined {
    return this.#clientFirst?.authzid
  }

  async first(message: Buffer): Promise<string> {
    assert(!this.#clientFirst, 'first() is called once')
    const clientFirst = readClientFirst(message)
    this.#clientFirst = clientFirst
    const binding = Buffer.concat([Buffer.from(clientFirst.gs2Header), this.#bindingData(clientFirst.flag)])
    const verifier = await this.#options.lookup(clientFirst.username)
    assert(verifier.hash === this.#options.hash, 'lookup() returns a verifier of the hash in use')
    const nonce = clientFirst.nonce + this.#nonce()
    const { hash, offer, tlsVersion } = this.#options
    const offered = offer === undefined ? '' : `,h=${offerHash(hash, offer)}`
    const protection = tlsVersion === undefined ? offered : `${offered},t=${tlsVersion}`
    const serverFirst = `r=${nonce},s=${verifier.salt.toString('base64')},i=${String(verifier.iterations)}${protection}`
    this.#challenge = { nonce, serverFirst, verifier, binding }
    return serverFirst
  }

  final(message: Buffer): string {
    const { hash } = this.#options
    const challenge = this.#challenge
    assert(this.#clientFirst && challenge, 'final() is called once, after first()')
    this.#challenge = undefined // a challenge is answered once, right or wrong
    const { channelBinding, nonce, proof, withoutProof } = readClientFinal(message)
    const { verifier } = challenge
    const authMessage = `${this.#clientFirst.bare},${challenge.serverFirst},${withoutProof}`
    const clientKey = xor(hmac(hash, verifier.storedKey, authMessage), proof)
    const proven =
      isSame(digest(hash, clientKey), verifier.storedKey) && isSame(channelBinding, challenge.binding)
    // RFC 5802 §5.1: the nonce must be ours. It is also part of what is proven.
    if (!proven || proof.length !== verifier.storedKey.length || nonce !== challenge.nonce) {
      throw new SaslError('not-authorized')
    }
    return `v=${hmac(hash, verifier.serverKey, authMessage).toString('base64')}`
  }

  /** RFC 5802 §6: the data to bind with, empty for none; refuses a flag that the mechanism does not allow. */
  #bindingData(flag: BindingFlag): Buffer {
    if (flag === 'y' && this.#options.serverSupportsPlus) throw new SaslError('not-authorized') // somebody took -PLUS off our list
    if ((typeof flag === 'object') !== this.#options.plus) throw new SaslError('malformed-request')
    if (typeof flag !== 'object') return Buffer.alloc(0)
    const data = this.#options.channelBinding(flag.type)
    if (!data) throw new SaslError('malformed-request') // a type that we have not
    return data
  }
}

function isSame(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

/** As `scramServer`, with the server's half of the nonce given: the published examples can be followed to the letter. */
export function scramServerWithNonce(options: ScramServerOptions, nonce: () => string): ScramServerExchange {
  return new ScramServer(options, nonce)
}

/** The server's side of one sign-in. Bounds: messages of 4,096 bytes, names of 1,023 bytes, client nonces of 256 characters. */
export function scramServer(options: ScramServerOptions): ScramServerExchange {
  return scramServerWithNonce(options, () => options.random(NONCE_BYTES).toString('base64'))
}
