/** Brings all schemas up to date, for the all-in-one and the tests; `npm run migrate` does the same for the other shapes. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { migrate } from '@sealpost/db'

const ROOT = join(import.meta.dirname, '../../..')

/** A folder's owner is its name, but for this one. */
const OWNERS: Readonly<Record<string, string>> = { accounts: 'account' }

/** Runs the migrations of each package and service that has any, one owner after the other. */
export async function migrateAll(url: string): Promise<void> {
  for (const directory of await migrationDirectories()) {
    const folder = basename(dirname(directory))
    await migrate({ url, owner: OWNERS[folder] ?? folder, directory })
  }
}

async function migrationDirectories(): Promise<string[]> {
  const found: string[] = []
  for (const group of ['packages', 'services']) {
    for (const folder of (await readdir(join(ROOT, group))).sort()) {
      const directory = join(ROOT, group, folder, 'migrations')
      const files = await readdir(directory).catch(() => [])
      if (files.some((file) => file.endsWith('.sql'))) found.push(directory)
    }
  }
  return found
}
