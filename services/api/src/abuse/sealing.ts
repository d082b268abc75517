/** What people write to the abuse desk, sealed: a key of the data directory and the id of the report make the key of each. */
import { hkdfSync } from 'node:crypto'
import { join } from 'node:path'
import { openSecretFile, type Random } from '@sealpost/runtime'
import { seal, unseal } from '../sealed.ts'

const KEY_FILE = 'abuse.key'
const KEY_BYTES = 32

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
    seal: (id, what, value) => seal(keyOf(id, what), Buffer.from(JSON.stringify(value)), random),
    open: (id, what, sealed) => JSON.parse(unseal(keyOf(id, what), sealed).toString()) as unknown,
  }
}
