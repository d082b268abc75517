import { join } from 'node:path'
import type { EnvReader } from '@sealpost/config'

/** What the weekly self-audits go over: the embedded Postgres, unless SELF_AUDIT_DIRS says otherwise; of another one nothing is known. */
export function readSelfAuditDirs(env: EnvReader, dataDir: string): readonly string[] {
  const isEmbedded = env.optionalSecret('DATABASE_URL') === undefined
  const dirs = env.list('SELF_AUDIT_DIRS', isEmbedded ? [join(dataDir, 'postgres')] : [])
  return dirs.length === 1 && dirs[0] === 'off' ? [] : dirs
}
