/**
 * The log of a Postgres that archives nothing by itself, received while it is written: each segment is archived when it is full, and only then may Postgres forget it
 * (a physical replication slot). Nothing of it is on disk here before it is encrypted; a segment that was cut off is received again from its beginning.
 */
import { DbError, openReplication, type ReplicationSession } from '@sealpost/db'
import type { Clock } from '@sealpost/runtime'
import { BackupError } from '../backup-error.ts'
import type { Archive } from '../archive.ts'
import { archiveFile } from './archive-file.ts'
import { formatSegment, SEGMENT_BYTES, segmentAt } from './segment-name.ts'

export interface ReceiveOptions {
  /** Of a user with REPLICATION, or a superuser. */
  readonly url: string
  readonly archive: Archive
  /** `age1…` */
  readonly recipients: readonly string[]
  readonly clock: Pick<Clock, 'after'>
  /** It is tried again. */
  readonly onError: (error: unknown) => void
}

export interface LogReceiver extends AsyncDisposable {
  /** Nothing is received, or it cannot be archived. */
  readonly failing: boolean
  /** The name of the segment that is received now, or was before the connection was lost. Undefined: there was none yet. */
  readonly receiving: string | undefined
}

const SLOT = 'sealpost_backup'
const PAUSE_MS_MIN = 500
const PAUSE_MS_MAX = 30_000
/** With the time to archive a segment, less than a minute is lost with the machine. */
const ARCHIVE_TIMEOUT_SECONDS_MAX = 50
/** Undefined file, and an object that is not as it must be: what the slot was to keep is gone. */
const LOST = new Set(['58P01', '55000'])

/** Until disposed; resolves when it receives, or cannot yet. Throws BACKUP_SETTINGS, and DbError when Postgres cannot be reached as it should. */
export async function receiveLog(options: ReceiveOptions): Promise<LogReceiver> {
  {
    await using session = await openReplication(options.url)
    await assertSettings(session)
  }
  const receiver = new Receiver(options)
  await receiver.begun
  return receiver
}

/** Throws BACKUP_SETTINGS. */
async function assertSettings(session: ReplicationSession): Promise<void> {
  const timeout = toSeconds(await session.setting('archive_timeout'))
  const isShort = timeout >= 1 && timeout <= ARCHIVE_TIMEOUT_SECONDS_MAX
  if (!isShort)
    throw new BackupError(
      'BACKUP_SETTINGS',
      `Postgres must close segments of its log in time: set archive_timeout to 45 s, ${String(ARCHIVE_TIMEOUT_SECONDS_MAX)} s at most`,
    )
  if ((await session.setting('max_slot_wal_keep_size')) === '-1')
    throw new BackupError(
      'BACKUP_SETTINGS',
      'Postgres would keep its log until its volume is full while backups are away: set max_slot_wal_keep_size, for instance to 8GB',
    )
  if ((await session.setting('wal_segment_size')) !== '16MB')
    throw new BackupError('BACKUP_SETTINGS', 'Segments of the log must have 16 MB')
}

/** As SHOW says durations: `45s`, `1min`, `0`. NaN for longer ones. */
function toSeconds(text: string): number {
  return text.endsWith('min') ? 60 * Number(text.slice(0, -3)) : Number(text.replace(/s$/, ''))
}

class Receiver implements LogReceiver {
  failing = true
  receiving: string | undefined
  readonly begun: Promise<void>
  readonly #begin: () => void
  readonly #options: ReceiveOptions
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>

  constructor(options: ReceiveOptions) {
    this.#options = options
    const { promise, resolve } = Promise.withResolvers<void>()
    this.begun = promise
    this.#begin = resolve
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    for (let ms = PAUSE_MS_MIN; !this.#stopped; ms = Math.min(2 * ms, PAUSE_MS_MAX)) {
      try {
        await this.#receive(() => (ms = PAUSE_MS_MIN))
      } catch (error) {
        if (!this.#stopped) this.#options.onError(error)
      }
      this.failing = true
      this.#begin()
      await this.#pause(ms)
    }
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted
  }

  async #receive(onArchived: () => void): Promise<void> {
    const { url } = this.#options
    await using session = await openReplication(url)
    const { timeline } = await session.identify()
    const from = await slotPlace(session)
    if (timeline > 1) await this.#archive(await session.history(timeline))
    const log = session.log(SLOT, from, timeline)
    using _ = onAbort(this.#stopping.signal, () => void session[Symbol.asyncDispose]())
    this.receiving = segmentAt(timeline, from + 1n)
    this.failing = false
    this.#begin()
    try {
      for await (const { number, content, end } of segments(log.pieces(), from)) {
        await this.#archive({ name: formatSegment({ timeline, number }), content })
        log.confirm(end)
        this.receiving = segmentAt(timeline, end + 1n)
        onArchived()
      }
    } catch (error) {
      if (error instanceof DbError && LOST.has(error.code)) await dropSlot(url)
      throw error
    }
  }

  /** Throws BACKUP_LOG_CONFLICT. */
  async #archive(file: { name: string; content: Buffer }): Promise<void> {
    const { archive, recipients } = this.#options
    if (await archiveFile(archive.wal, recipients, file)) return
    throw new BackupError('BACKUP_LOG_CONFLICT', 'The archive has the log of another cluster')
  }

  async #pause(ms: number): Promise<void> {
    if (this.#stopped) return
    const { promise, resolve } = Promise.withResolvers<void>()
    using stack = new DisposableStack()
    stack.use(this.#options.clock.after(ms, resolve))
    stack.use(onAbort(this.#stopping.signal, resolve))
    await promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }
}

/** Where the segment begins that the slot keeps the log from. A slot that has lost its place is made anew: then a new base backup is due, since there is a gap. */
async function slotPlace(session: ReplicationSession): Promise<bigint> {
  const slot = await session.slot(SLOT)
  if (slot !== undefined && slot.keepsFrom === undefined) await session.dropSlot(SLOT)
  if (slot?.keepsFrom === undefined) await session.createSlot(SLOT)
  const place = slot?.keepsFrom ?? (await session.slot(SLOT))?.keepsFrom
  if (place === undefined) throw new BackupError('BACKUP_SLOT', 'The replication slot keeps nothing')
  return place - (place % BigInt(SEGMENT_BYTES))
}

async function dropSlot(url: string): Promise<void> {
  await using session = await openReplication(url)
  await session.dropSlot(SLOT)
}

interface FullSegment {
  readonly number: number
  /** Used again for the next. */
  readonly content: Buffer
  readonly end: bigint
}

/** `from` is where a segment begins. Throws BACKUP_LOG_GAP. */
async function* segments(
  pieces: AsyncIterable<{ readonly position: bigint; readonly bytes: Buffer }>,
  from: bigint,
): AsyncIterable<FullSegment> {
  const content = Buffer.alloc(SEGMENT_BYTES)
  let next = from
  for await (const { position, bytes } of pieces) {
    if (position !== next) throw new BackupError('BACKUP_LOG_GAP', 'Postgres left out a part of its log')
    for (let rest = bytes; rest.length > 0;) {
      const copied = rest.copy(content, Number(next % BigInt(SEGMENT_BYTES)))
      rest = rest.subarray(copied)
      next += BigInt(copied)
      if (next % BigInt(SEGMENT_BYTES) === 0n)
        yield { number: Number(next / BigInt(SEGMENT_BYTES)) - 1, content, end: next }
    }
  }
}

function onAbort(signal: AbortSignal, act: () => void): Disposable {
  signal.addEventListener('abort', act)
  if (signal.aborted) act()
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', act) }
}
