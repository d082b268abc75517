/** RFC 5802 and RFC 7677, client side, for the load generator: no channel binding, no checks of the server beyond its signature. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

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
    const salted = await derive(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
    const clientKey = hmac(salted, 'Client Key')
    const withoutProof = `c=biws,r=${nonce}`
    const authMessage = `${this.#bare},${serverFirst},${withoutProof}`
    const signature = hmac(createHash('sha256').update(clientKey).digest(), authMessage)
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0))
    return {
      final: `${withoutProof},p=${Buffer.from(proof).toString('base64')}`,
      expected: `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`,
    }
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
