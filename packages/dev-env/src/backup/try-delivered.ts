/**
 * What makes this server what it is, tried on a restored database: messages that waited when it was as it is now, and were delivered since, cannot be read with
 * the keyring of today; those that still wait can, or nobody knows whether they could have been. A sample of each, whose plaintext nobody sees.
 */
import { access } from 'node:fs/promises'
import { BackupError } from '@sealpost/backup'
import { openDb, openSession, sql } from '@sealpost/db'
import { type StoredRow, tryRows } from '@sealpost/forensics'
import type { Random } from '@sealpost/runtime'
import { roleFor } from './role-for.ts'

export interface TryOptions {
  /** Of the restored database; a superuser's. */
  readonly restoredUrl: string
  /** Of the live one. */
  readonly databaseUrl: string
  /** The live keyring's file. */
  readonly keyringFile: string
  readonly random: Pick<Random, 'uuid'>
}

/** How many rows were tried. */
export interface Tried {
  /** Delivered since, or due: none could be read. */
  readonly delivered: number
  /** They still wait. */
  readonly waiting: number
}

const SAMPLE_MAX = 400
/** The smaller ones: they are enough, and most. */
const SIZE_CLASS_MAX = 1

/** Undefined where the keyring is out of reach, as it is for backups in a container of their own. Throws BACKUP_READABLE, BACKUP_UNPROVEN. */
export async function tryDelivered(options: TryOptions): Promise<Tried | undefined> {
  const { keyringFile } = options
  const isThere = await access(keyringFile).then(
    () => true,
    () => false,
  )
  if (!isThere) return undefined
  const rows = await sampleOf(options)
  const live = await stillThere(options.databaseUrl, rows)
  const opened = await tryRows(rows, keyringFile)
  const delivered = rows.filter(({ id }) => !live.has(id))
  if (delivered.some(({ id }) => opened.has(id)))
    throw new BackupError(
      'BACKUP_READABLE',
      'Something that was delivered can be read in the restored database',
    )
  if (live.size > 0 && opened.size === 0)
    throw new BackupError('BACKUP_UNPROVEN', 'What waits could not be read either: the trial proves nothing')
  return { delivered: delivered.length, waiting: opened.size }
}

/** Rows have random names: those after a random one are a sample. */
async function sampleOf({ restoredUrl, random }: TryOptions): Promise<StoredRow[]> {
  await using session = await openSession(restoredUrl)
  const from = random.uuid()
  const columns = sql`id, queue_handle as "queueHandle", seq, size_class as "sizeClass", blob`
  const after = await session.query<StoredRow>(sql`
    select ${columns} from xmpp.sealed where id >= ${from}::uuid and size_class <= ${SIZE_CLASS_MAX} order by id limit ${SAMPLE_MAX}`)
  const before = await session.query<StoredRow>(sql`
    select ${columns} from xmpp.sealed where id < ${from}::uuid and size_class <= ${SIZE_CLASS_MAX} order by id limit ${SAMPLE_MAX - after.length}`)
  return [...after, ...before]
}

async function stillThere(url: string, rows: readonly StoredRow[]): Promise<ReadonlySet<string>> {
  await using db = await openDb({ url, ...(await roleFor(url, 'sealpost_xmpp')), poolSize: 1 })
  const ids = rows.map(({ id }) => id)
  const found = await db.query<{ id: string }>(sql`select id from xmpp.sealed where id = any(${ids}::uuid[])`)
  return new Set(found.map(({ id }) => id))
}
