/** RFC 5802 and RFC 7677, client side, for the load generator: no channel binding, no checks of the server beyond its signature. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const pbkdf2Async = promisify(pbkdf2)
/** Salted passwords by what they are made of: a client keeps them (RFC 5802 §3 lets it), so that signing in again costs it little. */
const salted = new Map<string, Promise<Buffer>>()

async function saltedPassword(password: string, salt: string, iterations: number): Promise<Buffer> {
  const name = `${salt} ${iterations} ${password}`
  const known = salted.get(name)
  if (known !== undefined) return known
  const derived = pbkdf2Async(password, Buffer.from(salt, 'base64'), iterations, 32, 'sha256')
  salted.set(name, derived)
  return derived
}

export interface ScramProof {
  /** client-final-message */
  readonly final: string
  /** What the server-final-message has to be. */
  readonly expected: string
}

export class ScramSha256 {
  readonly #nonce = randomBytes(18).toString('base64')
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
    const key = await saltedPassword(password, salt, Number(iterations))
    const clientKey = hmac(key, 'Client Key')
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    return {
      final: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
      expected: `v=${hmac(hmac(key, 'Server Key'), authMessage).toString('base64')}`,
    }
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
