/** What people write to the abuse desk, sealed: a key of the data directory and the id of the report make the key of each. */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'

const KEY_FILE = 'abuse.key'
const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface ReportSealing {
  seal(id: string, what: string, value: object): Buffer
  /** Throws when it was sealed under another key, id or `what`. */
  open(id: string, what: string, sealed: Buffer): unknown
}

export async function openReportSealing(dataDir: string, random: Random): Promise<ReportSealing> {
  const secret = await openSecretFile(join(dataDir, KEY_FILE), random, () => random.token(KEY_BYTES))
  const keyOf = (id: string, what: string): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, id, `abuse report ${what}`, 32))
  return {
    seal(id, what, value) {
      const nonce = random.bytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', keyOf(id, what), nonce)
      return Buffer.concat([nonce, cipher.update(JSON.stringify(value)), cipher.final(), cipher.getAuthTag()])
    },
    open(id, what, sealed) {
      const decipher = createDecipheriv('aes-256-gcm', keyOf(id, what), sealed.subarray(0, NONCE_BYTES))
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      const body = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
      return JSON.parse(Buffer.concat([decipher.update(body), decipher.final()]).toString()) as unknown
    },
  }
}
