import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@sealpost/db'

/** Who owns a schema, in the order of migration, and where its files lie from the root of the repository. */
export const SCHEMA_OWNERS = [
  { owner: 'account', directory: 'packages/accounts/migrations' },
  { owner: 'xmpp', directory: 'services/xmpp/migrations' },
  { owner: 'keys', directory: 'services/keys/migrations' },
  { owner: 'smtp', directory: 'services/smtp/migrations' },
  { owner: 'api', directory: 'services/api/migrations' },
  { owner: 'audit', directory: 'packages/audit/migrations' },
] as const

const ROOT = join(import.meta.dirname, '../../..')

/**
 * Brings every schema up to date; an owner without files is passed over. Safe to call from any number of processes at once.
 * Returns the owners that have a schema now.
 */
export async function migrateAll(url: string): Promise<string[]> {
  const migrated: string[] = []
  for (const { owner, directory } of SCHEMA_OWNERS) {
    const path = join(ROOT, directory)
    if (migrationsOf(directory).length === 0) continue
    await migrate({ url, owner, directory: path })
    migrated.push(owner)
  }
  return migrated
}

/** Names of the files without their ending, in order; none where there is no such directory. */
export function migrationsOf(directory: string): string[] {
  try {
    const files = readdirSync(join(ROOT, directory)).filter((name) => name.endsWith('.sql'))
    return files.map((name) => name.slice(0, -'.sql'.length)).toSorted()
  } catch {
    return []
  }
}
