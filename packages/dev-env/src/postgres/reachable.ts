/** Tells in plain words which directory keeps the user of Postgres out, before Postgres says it in its own. */
import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import type { PostgresUser } from './binaries.ts'

/** Throws `DIRECTORY_CLOSED` if `user` cannot enter one of the directories above `path`. */
export async function assertReachable(path: string, user: PostgresUser): Promise<void> {
  for (const directory of ancestors(path)) {
    const { mode, uid, gid } = await stat(directory)
    const mayEnter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    if ((mode & mayEnter) !== 0) continue
    throw new OperationalError(
      'DIRECTORY_CLOSED',
      `Postgres does not run as root, so it runs as the user ${user.name}, who may not enter ${directory}: ` +
        `allow it with "chmod o+x ${directory}", or move ${path} elsewhere, or start as an ordinary user, or set DATABASE_URL`,
    )
  }
}

/** The directories above `path`, the root first. */
function ancestors(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [...ancestors(parent), parent]
}
