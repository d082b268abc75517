/** Standard Webhooks 1.0: the secret of an endpoint, and the headers by which the receiver knows that we sent what it got. */
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'

const KEY_FILE = 'webhooks.key'
const KEY_BYTES = 32

/** `timestamp` in seconds. */
export interface SignedMessage {
  readonly id: string
  readonly timestamp: number
  readonly body: string
}

export interface WebhookSecrets {
  /** `whsec_` and the secret in base64, as receivers are given it. */
  show(endpointId: string, version: number): string
  /** `v1,SIGNATURE` by the secret of each version, newest first. */
  sign(endpointId: string, versions: readonly number[], message: SignedMessage): string
}

/**
 * No secret is kept: each is made of a key in the data directory, the id of the endpoint and a version. Who has Postgres alone can sign nothing; backups hold the key,
 * encrypted (docs/backups.md). When it is lost, each endpoint needs a new secret.
 */
export async function openWebhookSecrets(dataDir: string, random: Random): Promise<WebhookSecrets> {
  const key = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  const secretOf = (endpointId: string, version: number): Buffer =>
    createHmac('sha256', key)
      .update(`${endpointId} ${String(version)}`)
      .digest()
  return {
    show: (endpointId, version) => `whsec_${secretOf(endpointId, version).toString('base64')}`,
    sign: (endpointId, versions, message) =>
      versions.map((version) => signMessage(secretOf(endpointId, version), message)).join(' '),
  }
}

/** `v1,SIGNATURE`: HMAC-SHA256 under one key. */
export function signMessage(key: Buffer, { id, timestamp, body }: SignedMessage): string {
  const mac = createHmac('sha256', key).update(`${id}.${String(timestamp)}.${body}`)
  return `v1,${mac.digest('base64')}`
}
