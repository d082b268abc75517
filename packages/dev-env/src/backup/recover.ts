/** A cluster from a base backup and the archived log, started and brought to a moment. */
import { cp, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  BackupError,
  IDENTITY_VARIABLE,
  readIdentity,
  recoverySettings,
  unpackBase,
  type Archive,
  type BaseBackup,
  type OnProgress,
} from '@sealpost/backup'
import { findPostgresUser, findServer, type PostgresUser } from '../postgres/binaries.ts'
import { giveCluster } from '../postgres/cluster.ts'
import { prepareSockets, socketUrl } from '../postgres/embedded-postgres.ts'
import { stopLeftovers } from '../postgres/leftovers.ts'
import { startPostmaster } from '../postgres/postmaster.ts'
import { assertReachable } from '../postgres/reachable.ts'
import { settings } from '../postgres/settings.ts'

export interface RecoverOptions {
  readonly archive: Archive
  /** As age-keygen writes it. */
  readonly identity: string
  /** Made; holds then `postgres`, `data` and, while it runs, `run`. */
  readonly directory: string
  /** Undefined: as late as the archive goes. */
  readonly at: Date | undefined
  /** See BackupConfig. */
  readonly programs: string | undefined
  readonly onProgress?: OnProgress | undefined
}

export interface RecoveredCluster extends AsyncDisposable {
  readonly base: BaseBackup
  /** A superuser's. */
  readonly url: string
}

/** A day's log at 20 MB/s. */
const RECOVERY_MS_MAX = 3 * 3_600_000

/** Throws BackupError, and `POSTGRES_START` with what Postgres says of a log that cannot be replayed. */
export async function recoverCluster(options: RecoverOptions): Promise<RecoveredCluster> {
  const { archive, directory, at } = options
  const base = await chooseBase(archive, at)
  const [binaries, user] = [await findServer(options.programs), await findPostgresUser()]
  if (user !== undefined) await assertReadable(archive.wal, user)
  await mkdir(directory, { mode: 0o711 })
  await unpackBase(base, readIdentity(options.identity), directory, options.onProgress)
  const cluster = join(directory, 'postgres')
  await mkdir(join(cluster, 'pg_wal'), { recursive: true, mode: 0o700 })
  await writeFile(join(cluster, 'recovery.signal'), '')
  await giveCluster(cluster, user)
  const sockets = join(directory, 'run')
  await prepareSockets(sockets, user)
  const own = await writeOwnSettings(directory)
  const postmaster = await startPostmaster({
    binaries,
    user,
    directory: cluster,
    settings: settings(sockets, { ...recoverySettings(archive.wal, at), ...own }),
    environment: { [IDENTITY_VARIABLE]: options.identity },
    readyMsMax: RECOVERY_MS_MAX,
  })
  const { superuser, database } = base.manifest
  return {
    base,
    url: socketUrl(sockets, { user: superuser, database }),
    [Symbol.asyncDispose]: () => postmaster.stop(),
  }
}

/** Whatever the cluster's own files say: who may reach the socket, which is the same user, comes in without a password. */
async function writeOwnSettings(directory: string): Promise<Readonly<Record<string, string>>> {
  const [config_file, hba_file] = [join(directory, 'postgresql.conf'), join(directory, 'pg_hba.conf')]
  await writeFile(config_file, '', { mode: 0o644 })
  await writeFile(hba_file, 'local all all trust\n', { mode: 0o644 })
  return { config_file, hba_file }
}

/** The newest that ended before the moment. */
async function chooseBase(archive: Archive, at: Date | undefined): Promise<BaseBackup> {
  const base = (await archive.bases()).find(
    ({ manifest }) => at === undefined || new Date(manifest.endedAt) <= at,
  )
  if (base !== undefined) return base
  throw new BackupError('BACKUP_NOT_FOUND', 'There is no base backup that reaches back so far')
}

async function assertReadable(wal: string, user: PostgresUser): Promise<void> {
  await assertReachable(wal, user)
  if ((await stat(wal)).uid === user.uid) return
  throw new BackupError(
    'BACKUP_CLOSED',
    `Postgres does not run as root but as the user ${user.name}: give it the archived log with "chown -R ${user.name} ${wal}"`,
  )
}

export interface RestoreOptions extends Omit<RecoverOptions, 'directory'> {
  /** The new data directory: missing, or without a cluster. */
  readonly dataDir: string
  /** Judges the cluster while it runs; what it throws ends the restore. */
  readonly check: (url: string) => Promise<void>
}

/** All or nothing: the data directory gets its cluster and keys when the cluster has been found whole. */
export async function restore(options: RestoreOptions): Promise<BaseBackup> {
  const { dataDir, check, ...rest } = options
  const [target, draft] = [join(dataDir, 'postgres'), join(dataDir, 'restoring')]
  await mkdir(dataDir, { recursive: true })
  if ((await stat(target).catch(() => undefined)) !== undefined)
    throw new BackupError('BACKUP_TARGET_TAKEN', `${target} is there already: restore to another directory`)
  await clear(draft)
  try {
    const base = await recoverInto(rest, draft, check)
    await takeKeys(join(draft, 'data'), dataDir)
    await rename(join(draft, 'postgres'), target)
    return base
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Takes away what a restore that was killed has left, its Postgres first. */
export async function clear(directory: string): Promise<void> {
  const cluster = join(directory, 'postgres')
  if ((await stat(cluster).catch(() => undefined)) !== undefined) await stopLeftovers(cluster)
  await rm(directory, { recursive: true, force: true })
}

async function recoverInto(
  options: Omit<RecoverOptions, 'directory'>,
  directory: string,
  check: RestoreOptions['check'],
): Promise<BaseBackup> {
  await using cluster = await recoverCluster({ ...options, directory })
  await check(cluster.url)
  return cluster.base
}

/** What the data directory has already stays as it is. */
async function takeKeys(from: string, dataDir: string): Promise<void> {
  await cp(from, dataDir, { recursive: true, force: false })
}
