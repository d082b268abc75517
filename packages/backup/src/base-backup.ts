/**
 * A base backup of a cluster in use, as Postgres itself sends it over a replication connection, wherever its files are; the log that was written meanwhile makes it
 * whole. With it go the keys of the data directory. The keyring never does, nor do `spool` and `uploads`, which it opens.
 */
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { type LogPosition, openReplication, openSession, type ReplicationSession, sql } from '@sealpost/db'
import { errorCode, unlessGone } from '@sealpost/errors'
import { type Clock, syncDirectory } from '@sealpost/runtime'
import { encryptAge } from './age/age.ts'
import { readRecipient } from './age/keys.ts'
import { type Archive, BASE_FILE, MANIFEST_FILE, type BaseBackup, nameOfBase } from './archive.ts'
import { BackupError } from './backup-error.ts'
import { DRAFT_PREFIX, writeDurably } from './durable-file.ts'
import type { Manifest } from './manifest.ts'
import { readTar, type TarEntry, writeTar } from './tar.ts'
import { through } from './through.ts'
import { isLogMissing } from './verify-archive.ts'
import { segmentAt } from './wal/segment-name.ts'

export type OnProgress = (counts: Readonly<Record<string, number>>) => void

export interface BaseBackupOptions {
  /** Of a user with REPLICATION, or a superuser. */
  readonly url: string
  readonly archive: Archive
  /** `age1…` */
  readonly recipients: readonly string[]
  /** Its keys are taken along. */
  readonly dataDir: string
  readonly clock: Pick<Clock, 'now' | 'after' | 'monotonic'>
  readonly onProgress?: OnProgress
}

/** Directories of keys that stay the same for months. Besides them files of the data directory itself. */
const KEY_DIRECTORIES = ['key-submission', 'dkim', 'tls', 'components']
const KEY_FILE = /\.key$|^audit-heads$/
/** How long the last segments may take into the archive. */
const ARCHIVED_MS_MAX = 600_000
const LOOK_MS = 250

/** Throws BACKUP_NOT_ARCHIVING, BACKUP_TABLESPACES, DbError, and what the file system says. What was begun is taken away again. */
export async function takeBaseBackup(options: BaseBackupOptions): Promise<BaseBackup> {
  const { archive, clock } = options
  const startedAt = new Date(clock.now())
  const name = nameOfBase(startedAt)
  const draft = join(archive.base, `${DRAFT_PREFIX}${name}`)
  await using session = await openSource(options.url)
  const cluster = await describe(options.url, session)
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
    await untilArchived(options, manifest)
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

async function openSource(url: string): Promise<ReplicationSession> {
  try {
    return await openReplication(url)
  } catch (cause) {
    throw new BackupError(
      'BACKUP_NOT_ARCHIVING',
      `Postgres allows no replication (${errorCode(cause)}): the server must run with BACKUP_DIR and BACKUP_RECIPIENTS, the user of a Postgres of your own needs REPLICATION and a line in pg_hba.conf`,
      { cause },
    )
  }
}

type Cluster = Pick<Manifest, 'postgresVersion' | 'systemIdentifier' | 'superuser' | 'database'>

async function describe(url: string, session: ReplicationSession): Promise<Cluster> {
  const { systemIdentifier } = await session.identify()
  const postgresVersion = Number(await session.setting('server_version_num'))
  await using statements = await openSession(url)
  // The superuser of initdb has this number in every cluster.
  const [row] = await statements.query<{ superuser: string; database: string }>(
    sql`select rolname as superuser, current_database() as database from pg_roles where oid = 10`,
  )
  return {
    postgresVersion,
    systemIdentifier,
    superuser: row?.superuser ?? '',
    database: row?.database ?? '',
  }
}

type Written = Pick<
  Manifest,
  'startSegment' | 'stopSegment' | 'files' | 'plainBytes' | 'encryptedBytes' | 'sha256'
>

async function copyAll(
  options: BaseBackupOptions,
  session: ReplicationSession,
  draft: string,
): Promise<Written> {
  const recipients = options.recipients.map(readRecipient)
  const counts = { files: 0, plainBytes: 0, encryptedBytes: 0 }
  const cluster = session.baseBackup()
  const entries = async function* (): AsyncIterable<TarEntry> {
    yield* keyFiles(options.dataDir)
    const tar = cluster.tar()
    for await (const entry of readTar(tar)) yield { ...entry, name: `postgres/${entry.name}` }
    await Array.fromAsync(tar) // Nothing is left, but how far the log is needed is said after it.
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
  const segments = { startSegment: segmentOf(cluster.from), stopSegment: segmentOf(cluster.to) }
  return { ...segments, ...counts, sha256: hash.digest('hex') }
}

function segmentOf({ timeline, position }: LogPosition): string {
  return segmentAt(timeline, position)
}

/** Without its log it is no backup. */
async function untilArchived({ archive, clock }: BaseBackupOptions, manifest: Manifest): Promise<void> {
  const deadline = clock.monotonic() + ARCHIVED_MS_MAX
  while (isLogMissing(manifest, new Set(await archive.archived()))) {
    if (clock.monotonic() > deadline)
      throw new BackupError('BACKUP_NOT_ARCHIVING', 'The log of Postgres does not come into the archive')
    await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve))
  }
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
  const found = await stat(path).catch(unlessGone)
  if (found !== undefined) yield { kind: 'file', name, size: found.size, content: readVanishing(path) }
}

async function* readVanishing(path: string): AsyncIterable<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>
  } catch (error) {
    unlessGone(error)
  }
}
