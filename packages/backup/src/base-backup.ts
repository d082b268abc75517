/**
 * A base backup of a cluster in use (PostgreSQL, "Making a Base Backup Using the Low Level API"): its files are copied between pg_backup_start and pg_backup_stop, and
 * the log that was written meanwhile makes them whole. With them go the keys of the data directory. The keyring never does, nor do `spool` and `uploads`, which it opens.
 */
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { openSession, sql, type Tx } from '@sealpost/db'
import type { Clock } from '@sealpost/runtime'
import { encryptAge } from './age/age.ts'
import { readRecipient } from './age/keys.ts'
import { type Archive, BASE_FILE, MANIFEST_FILE, type BaseBackup } from './archive.ts'
import { BackupError } from './backup-error.ts'
import { DRAFT_PREFIX, syncDirectory, writeDurably } from './durable-file.ts'
import type { Manifest } from './manifest.ts'
import { type TarEntry, writeTar } from './tar.ts'
import { through } from './through.ts'

export type OnProgress = (counts: Readonly<Record<string, number>>) => void

export interface BaseBackupOptions {
  /** A superuser's. */
  readonly url: string
  readonly archive: Archive
  /** `age1…` */
  readonly recipients: readonly string[]
  /** Holds `postgres`, the cluster. */
  readonly dataDir: string
  readonly clock: Pick<Clock, 'now'>
  readonly onProgress?: OnProgress
}

/** What a restored cluster makes anew, or must not find. */
const CONTENT_LEFT_OUT =
  /^(?:pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\//
const LEFT_OUT =
  /^(?:postmaster\.(?:pid|opts)|backup_label(?:\.old)?|tablespace_map(?:\.old)?|(?:recovery|standby)\.signal)$|(?:^|\/)pgsql_tmp|pg_internal\.init$/
/** Copied last, as pg_basebackup does. */
const LAST = 'global/pg_control'
/** Directories of keys that stay the same for months. Besides them files of the data directory itself. */
const KEY_DIRECTORIES = ['key-submission', 'dkim', 'tls', 'components']
const KEY_FILE = /\.key$|^audit-heads$/
/** How long the last segments may take into the archive. */
const STOP_TIMEOUT = '10min'

/** Throws BACKUP_NOT_ARCHIVING, DbError, and what the file system says. What was begun is taken away again. */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BaseBackup> {
  const { archive, clock } = options
  const startedAt = new Date(clock.now())
  const name = startedAt.toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const draft = join(archive.base, `${DRAFT_PREFIX}${name}`)
  await using session = await openSession(options.url)
  const cluster = await describe(session)
  await mkdir(draft, { mode: 0o700 })
  try {
    const written = await copyAll(options, session, draft)
    const manifest: Manifest = {
      format: 1,
      startedAt: startedAt.toISOString(),
      endedAt: new Date(clock.now()).toISOString(),
      ...cluster,
      ...written,
    }
    const text = `${JSON.stringify(manifest, undefined, 2)}\n`
    await writeDurably(join(draft, MANIFEST_FILE), Readable.from([Buffer.from(text)]))
    const directory = join(archive.base, name)
    await rename(draft, directory)
    await syncDirectory(archive.base)
    return { name, directory, manifest }
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

async function describe(session: Tx): Promise<Pick<Manifest, 'postgresVersion' | 'systemIdentifier'>> {
  const [row] = await session.query<{
    version: string
    system: string
    archiving: string
    spaces: number
  }>(sql`
    select current_setting('server_version_num') as version, current_setting('archive_mode') as archiving,
      (select system_identifier::text from pg_control_system()) as system,
      (select count(*)::int from pg_tablespace) - 2 as spaces`)
  if (row?.archiving !== 'on')
    throw new BackupError(
      'BACKUP_NOT_ARCHIVING',
      'Postgres does not archive its log: start the server with BACKUP_DIR and BACKUP_RECIPIENTS',
    )
  if (row.spaces > 0)
    throw new BackupError(
      'BACKUP_TABLESPACES',
      'A cluster with tablespaces of its own is not backed up by this',
    )
  return { postgresVersion: Number(row.version), systemIdentifier: row.system }
}

type Written = Pick<
  Manifest,
  'startSegment' | 'stopSegment' | 'files' | 'plainBytes' | 'encryptedBytes' | 'sha256'
>

async function copyAll(options: BaseBackupOptions, session: Tx, draft: string): Promise<Written> {
  const recipients = options.recipients.map(readRecipient)
  const counts = { files: 0, plainBytes: 0, encryptedBytes: 0 }
  const [started] = await session.query<{ segment: string }>(
    sql`select pg_walfile_name(pg_backup_start('sealpost', true)) as segment`,
  )
  let stopSegment = ''
  const entries = async function* (): AsyncIterable<TarEntry> {
    yield* keyFiles(options.dataDir)
    yield* clusterFiles(join(options.dataDir, 'postgres'))
    const stopped = await stop(session)
    stopSegment = stopped.segment
    yield fileOf('postgres/backup_label', Buffer.from(stopped.label))
  }
  const counted = async function* (): AsyncIterable<TarEntry> {
    for await (const entry of entries()) {
      counts.files += 1
      if (entry.kind === 'file') counts.plainBytes += entry.size
      options.onProgress?.({ files: counts.files, MB: Math.round(counts.plainBytes / 1e6) })
      yield entry
    }
  }
  const hash = createHash('sha256')
  const hashed = async function* (bytes: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const piece of bytes) {
      hash.update(piece)
      counts.encryptedBytes += piece.length
      yield piece
    }
  }
  const compressed = through(writeTar(counted()), createGzip())
  await writeDurably(join(draft, BASE_FILE), hashed(encryptAge(compressed, recipients)))
  return { startSegment: started?.segment ?? '', stopSegment, ...counts, sha256: hash.digest('hex') }
}

async function stop(session: Tx): Promise<{ label: string; segment: string }> {
  await session.execute(sql`select set_config('statement_timeout', ${STOP_TIMEOUT}, false)`)
  const [stopped] = await session.query<{ label: string; segment: string }>(
    sql`select labelfile as label, pg_walfile_name(lsn) as segment from pg_backup_stop(true)`,
  )
  return stopped ?? { label: '', segment: '' }
}

async function* clusterFiles(directory: string): AsyncIterable<TarEntry> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const paths = entries.map((entry) => ({
    path: join(entry.parentPath, entry.name).slice(directory.length + 1),
    isDirectory: entry.isDirectory(),
    isFile: entry.isFile(),
  }))
  for (const { path, isDirectory, isFile } of paths) {
    if (LEFT_OUT.test(path) || CONTENT_LEFT_OUT.test(path) || path === LAST) continue
    if (isDirectory) yield { kind: 'directory', name: `postgres/${path}` }
    else if (isFile) yield* openFile(`postgres/${path}`, join(directory, path))
  }
  yield* openFile(`postgres/${LAST}`, join(directory, LAST))
}

async function* keyFiles(dataDir: string): AsyncIterable<TarEntry> {
  for (const entry of await readdir(dataDir, { withFileTypes: true }))
    if (entry.isFile() && KEY_FILE.test(entry.name))
      yield* openFile(`data/${entry.name}`, join(dataDir, entry.name))
  for (const name of KEY_DIRECTORIES) {
    const files = await readdir(join(dataDir, name), { withFileTypes: true }).catch(() => [])
    for (const file of files)
      if (file.isFile()) yield* openFile(`data/${name}/${file.name}`, join(dataDir, name, file.name))
  }
}

/** A file that went meanwhile is left out: the log tells that it went. */
async function* openFile(name: string, path: string): AsyncIterable<TarEntry> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (found !== undefined) yield { kind: 'file', name, size: found.size, content: readVanishing(path) }
}

async function* readVanishing(path: string): AsyncIterable<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function fileOf(name: string, bytes: Buffer): TarEntry {
  return { kind: 'file', name, size: bytes.length, content: Readable.from([bytes]) }
}
