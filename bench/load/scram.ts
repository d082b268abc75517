/** RFC 5802 and RFC 7677, client side, for the load generator: no channel binding, no checks of the server beyond its signature. */
import { createHash, createHmac, createSecretKey, pbkdf2, randomUUID, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'

const pbkdf2Async = promisify(pbkdf2)

interface Keys {
  readonly clientKey: Buffer
  readonly storedKey: KeyObject
  readonly serverKey: KeyObject
}

/** Keys by what they are made of: a client keeps them (RFC 5802 §3 lets it), so that signing in again costs it little. */
const known = new Map<string, Promise<Keys>>()

function keysOf(password: string, salt: string, iterations: number): Promise<Keys> {
  const name = `${salt} ${iterations} ${password}`
  const keys = known.get(name) ?? deriveKeys(password, salt, iterations)
  known.set(name, keys)
  return keys
}

async function deriveKeys(password: string, salt: string, iterations: number): Promise<Keys> {
  const salted = await pbkdf2Async(password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  const clientKey = hmac(createSecretKey(salted), 'Client Key')
  return {
    clientKey,
    storedKey: createSecretKey(createHash('sha256').update(clientKey).digest()),
    serverKey: createSecretKey(hmac(createSecretKey(salted), 'Server Key')),
  }
}

export interface ScramProof {
  /** client-final-message */
  readonly final: string
  /** What the server-final-message has to be. */
  readonly expected: string
}

export class ScramSha256 {
  readonly #nonce = randomUUID()
  readonly #bare: string

  constructor(username: string) {
    this.#bare = `n=${username},r=${this.#nonce}`
  }

  /** client-first-message */
  get first(): string {
    return `n,,${this.#bare}`
  }

  /** Answers the server-first-message. */
  async answer(serverFirst: string, password: string): Promise<ScramProof> {
    const [, nonce, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)/.exec(serverFirst) ?? []
    if (nonce === undefined || salt === undefined || !nonce.startsWith(this.#nonce))
      throw new Error('SCRAM: the challenge is not an answer to us')
    const { clientKey, storedKey, serverKey } = await keysOf(password, salt, Number(iterations))
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(storedKey, authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    return {
      final: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
      expected: `v=${hmac(serverKey, authMessage).toString('base64')}`,
    }
  }
}

function hmac(key: KeyObject, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
