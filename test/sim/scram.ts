/** SCRAM-SHA-256 (RFC 7677) for simulated clients, who all have one password and keep what follows from it: no thread pool, no chance. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import { deriveVerifier, SCRAM_ITERATIONS, SCRAM_SALT_BYTES, type ScramVerifier } from '@sealpost/sasl'

const PASSWORD = 'secret'
const SALT = Buffer.alloc(SCRAM_SALT_BYTES, 7)
const SALTED = pbkdf2Sync(PASSWORD, SALT, SCRAM_ITERATIONS, 32, 'sha256')

const hmac = (key: Buffer, text: string) => createHmac('sha256', key).update(text).digest()
const CLIENT_KEY = hmac(SALTED, 'Client Key')
const STORED_KEY = createHash('sha256').update(CLIENT_KEY).digest()

let verifiers: Promise<ScramVerifier[]> | undefined

/** What an account with that password has; derived once. */
export function sharedVerifiers(): Promise<ScramVerifier[]> {
  const options = { salt: SALT, iterations: SCRAM_ITERATIONS }
  return (verifiers ??= Promise.all([
    deriveVerifier(PASSWORD, 'SHA-256', options),
    deriveVerifier(PASSWORD, 'SHA-1', options),
  ]))
}

export function clientFirst(username: string, nonce: string): string {
  return `n,,n=${username},r=${nonce}`
}

/** The client's last message, for what it said first and what the server answered. */
export function clientFinal(first: string, serverFirst: string): string {
  const nonce = /r=([^,]+)/.exec(serverFirst)?.[1] ?? ''
  const withoutProof = `c=biws,r=${nonce}`
  const signature = hmac(STORED_KEY, `${first.slice(3)},${serverFirst},${withoutProof}`)
  const proof = Buffer.from(CLIENT_KEY.map((byte, index) => byte ^ (signature[index] ?? 0)))
  return `${withoutProof},p=${proof.toString('base64')}`
}
