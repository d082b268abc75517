/** Makes the embedded database cluster, once for each data directory, all or nothing. */
import {
  chmod,
  chown,
  lchown,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { OperationalError } from '@sealpost/errors'
import type { Random } from '@sealpost/runtime'
import type { PostgresBinaries, PostgresUser } from './binaries.ts'
import { runProgram } from './run-program.ts'

/** Name of the superuser of the cluster and of its one database. */
export const CLUSTER_NAME = 'sealpost'

/** Lies in the cluster, so that a copied cluster brings its password along. */
const PASSWORD_FILE = 'sealpost.password'

export interface ClusterOptions {
  readonly binaries: PostgresBinaries
  readonly user: PostgresUser | undefined
  /** Absolute; its parent exists. */
  readonly directory: string
  readonly random: Random
  /** Leave out the syncs of initdb: for tests only. */
  readonly unsynced?: boolean
}

/**
 * Makes the cluster if there is none, and makes sure that the user of Postgres owns it. Returns the password of its superuser.
 * A start that was killed half-way leaves `….new` behind, which the next one throws away.
 */
export async function ensureCluster(options: ClusterOptions): Promise<string> {
  const { directory } = options
  if (!(await hasCluster(directory))) await createCluster(options)
  await giveCluster(directory, options.user)
  return await readPassword(directory)
}

/** As Postgres wants it: the user's who runs it, and closed to others. */
export async function giveCluster(directory: string, user: PostgresUser | undefined): Promise<void> {
  if (user !== undefined) await giveTo(user, directory)
  await chmod(directory, 0o700)
}

/** Of the superuser of the cluster. */
export async function readPassword(directory: string): Promise<string> {
  return (await readFile(join(directory, PASSWORD_FILE), 'utf8')).trim()
}

async function createCluster(options: ClusterOptions): Promise<void> {
  const { binaries, user, directory } = options
  const fresh = `${directory}.new`
  const passwordFile = `${fresh}.password`
  await removeEmpty(directory)
  await rm(fresh, { recursive: true, force: true })
  await rm(passwordFile, { force: true })
  await mkdir(fresh, { mode: 0o700 })
  await writeFile(passwordFile, `${options.random.token(32)}\n`, { mode: 0o600 })
  if (user !== undefined)
    await Promise.all([fresh, passwordFile].map((path) => chown(path, user.uid, user.gid)))
  // The built-in collation sorts the same on every system: a cluster may be copied between hosts without a reindex.
  const settings =
    '--encoding=UTF8 --locale=C --locale-provider=builtin --builtin-locale=C.UTF-8 --auth=scram-sha-256 --no-instructions'
  const initdb = [
    '--pgdata',
    fresh,
    '--username',
    CLUSTER_NAME,
    '--pwfile',
    passwordFile,
    ...settings.split(' '),
  ]
  if (options.unsynced === true) initdb.push('--no-sync')
  const cwd = dirname(directory)
  await runProgram(binaries.initdb, initdb, { user, cwd })
  await runProgram(binaries.postgres, ['--single', '-D', fresh, 'template1'], {
    user,
    cwd,
    input: `create database ${CLUSTER_NAME};\n`,
  })
  await rename(passwordFile, join(fresh, PASSWORD_FILE))
  await rename(fresh, directory)
}

/** Makes way for a new cluster. Whatever lies there is not ours to delete. */
async function removeEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return
    throw new OperationalError(
      'POSTGRES_DIRECTORY_TAKEN',
      `${directory} is not empty but holds no database cluster: move it away`,
      { cause },
    )
  }
}

/** A copy made by root belongs to root: hands all of it to `user` if the cluster or its version file is another's. */
async function giveTo(user: PostgresUser, directory: string): Promise<void> {
  const owners = await Promise.all([directory, join(directory, 'PG_VERSION')].map((path) => stat(path)))
  if (owners.every((owner) => owner.uid === user.uid)) return
  const entries = await readdir(directory, { recursive: true })
  for (const entry of entries) await lchown(join(directory, entry), user.uid, user.gid)
  await chown(directory, user.uid, user.gid)
}

async function hasCluster(directory: string): Promise<boolean> {
  try {
    await stat(join(directory, 'PG_VERSION'))
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new OperationalError(
      'POSTGRES_DIRECTORY_CLOSED',
      `${directory} belongs to another user, perhaps because root started Sealpost once: give it back with "chown -R"`,
      { cause },
    )
  }
}
