/**
 * A connection that speaks the streaming replication protocol of PostgreSQL ("Streaming Replication Protocol", 15 and newer), for a user with the attribute REPLICATION:
 * the whole cluster as one tar archive, and its log while it is written. Logical replication and clusters with tablespaces are left out.
 */
import { type Connection, Client, type ClientConfig, type Submittable } from 'pg'
import { systemClock } from '@sealpost/runtime'
import { identifier, patientClientConfig } from './connection.ts'
import { DbError, toDbError } from './db-error.ts'

export interface ReplicationSession extends AsyncDisposable {
  /** IDENTIFY_SYSTEM. */
  identify(): Promise<{ readonly systemIdentifier: string; readonly timeline: number }>
  /** The value of a setting, as SHOW says it. */
  setting(name: string): Promise<string>
  /** How a timeline came about, as a file of the log; the first has none. */
  history(timeline: number): Promise<{ readonly name: string; readonly content: Buffer }>
  /** Undefined: there is no such slot. `keepsFrom` undefined: it keeps nothing, perhaps since it had to keep too much. */
  slot(name: string): Promise<{ readonly keepsFrom: bigint | undefined } | undefined>
  /** Keeps the log from the last checkpoint on. */
  createSlot(name: string): Promise<void>
  /** Of one that is there. */
  dropSlot(name: string): Promise<void>
  /** BASE_BACKUP. Nothing else goes over the session until it has ended. */
  baseBackup(): BaseBackupStream
  /** START_REPLICATION. Nothing else goes over the session any more. */
  log(slot: string, position: bigint, timeline: number): LogStream
}

/** Where something in the log is: the timeline, and bytes from the beginning. */
export interface LogPosition {
  readonly timeline: number
  readonly position: bigint
}

export interface BaseBackupStream {
  /** POSIX tar of the data directory, `pg_control` last. Throws DbError: XX001 when a page has a wrong checksum, DB_TABLESPACES. */
  tar(): AsyncIterable<Buffer>
  /** Once the archive has ended: it needs the log from here on. */
  readonly from: LogPosition
  /** Once the archive has ended: and as far as here. */
  readonly to: LogPosition
}

export interface LogStream {
  /** Pieces in their order, without a gap. Ends when Postgres stops, or the timeline does. */
  pieces(): AsyncIterable<{ readonly position: bigint; readonly bytes: Buffer }>
  /** Everything before is durable elsewhere: the slot need not keep it. */
  confirm(position: bigint): void
}

/** Of what was received and not yet taken, before the peer is kept from sending more. */
const QUEUE_BYTES_MAX = 1024 * 1024
/** Postgres gives up a receiver of which it hears nothing for wal_sender_timeout, 60 s unless told. */
const STATUS_MS = 10_000
/** An end of which nobody told. */
const SILENCE_MS_MAX = 120_000
/** Postgres counts microseconds from 2000-01-01. */
const EPOCH_MS = 946_684_800_000
const [ARCHIVE, DATA, LOG, KEEPALIVE, STATUS] = ['n', 'd', 'w', 'k', 'r'].map((kind) => kind.charCodeAt(0))
const LOG_HEAD_BYTES = 25

/** Throws DbError. Disposing ends it at once, whatever is under way. */
export async function openReplication(url: string): Promise<ReplicationSession> {
  const config: ClientConfig & { replication: string } = { ...patientClientConfig(url), replication: 'true' }
  const client = new Client(config)
  client.on('error', () => undefined) // A connection that breaks tells what is under way.
  const run = async (command: string): Promise<Row[]> => {
    const streamed = client.query(new StreamedQuery(command))
    for await (const _ of streamed.messages()) throw unexpected()
    return streamed.results[0] ?? []
  }
  try {
    await client.connect()
  } catch (error) {
    void client.end().catch(() => undefined)
    throw toDbError(error)
  }
  return {
    ...questions(run),
    baseBackup: () => new TarStream(client),
    log: (slot, position, timeline) => new PhysicalLog(client, identifier(slot), { position, timeline }),
    [Symbol.asyncDispose]: () => {
      streamOf(client).destroy()
      return Promise.resolve()
    },
  }
}

type Questions = Omit<ReplicationSession, 'baseBackup' | 'log' | typeof Symbol.asyncDispose>

function questions(run: (command: string) => Promise<Row[]>): Questions {
  return {
    async identify() {
      const [[systemIdentifier, timeline] = []] = await run('IDENTIFY_SYSTEM')
      return { systemIdentifier: systemIdentifier ?? '', timeline: Number(timeline) }
    },
    setting: async (name) => (await run(`SHOW ${identifier(name)}`))[0]?.[0] ?? '',
    async history(timeline) {
      const [[name, content] = []] = await run(`TIMELINE_HISTORY ${String(timeline)}`)
      return { name: name ?? '', content: Buffer.from(content ?? '') }
    },
    async slot(name) {
      const [[kind, restart] = []] = await run(`READ_REPLICATION_SLOT ${identifier(name)}`)
      return kind ? { keepsFrom: restart ? parsePosition(restart) : undefined } : undefined
    },
    createSlot: async (name) =>
      void (await run(`CREATE_REPLICATION_SLOT ${identifier(name)} PHYSICAL RESERVE_WAL`)),
    dropSlot: async (name) => void (await run(`DROP_REPLICATION_SLOT ${identifier(name)}`)),
  }
}

type Row = readonly (string | null)[]

/** A command whose answer has rows, copied data, or both. */
class StreamedQuery implements Submittable {
  /** Rows of each of the answer's tables. */
  readonly results: Row[][] = []
  readonly #command: string
  readonly #queue: Buffer[] = []
  #connection: Connection | undefined
  #bytes = 0
  #heardAt = systemClock.monotonic()
  #ended = false
  #error: unknown
  #wake = Promise.withResolvers<void>()

  constructor(command: string) {
    this.#command = command
  }

  /** For how long nothing came, though it could have. */
  get silentMs(): number {
    return this.#bytes > QUEUE_BYTES_MAX ? 0 : systemClock.monotonic() - this.#heardAt
  }

  /** Copied data, message by message. Throws DbError. */
  async *messages(): AsyncIterable<Buffer> {
    for (;;) {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        this.#took(next.length)
        yield next
      }
      if (this.#error !== undefined) throw toDbError(this.#error)
      if (this.#ended) return
      await this.#wake.promise
      this.#wake = Promise.withResolvers()
    }
  }

  #took(bytes: number): void {
    const wasFull = this.#bytes > QUEUE_BYTES_MAX
    this.#bytes -= bytes
    if (!wasFull || this.#bytes > QUEUE_BYTES_MAX) return
    this.#heardAt = systemClock.monotonic()
    this.#connection?.stream.resume()
  }

  submit(connection: Connection): void {
    this.#connection = connection
    connection.query(this.#command)
  }

  handleRowDescription(): void {
    this.results.push([])
  }

  handleDataRow({ fields }: { fields: Row }): void {
    this.results.at(-1)?.push(fields)
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    this.#queue.push(Buffer.from(chunk)) // The driver uses its buffer again.
    this.#bytes += chunk.length
    this.#heardAt = systemClock.monotonic()
    if (this.#bytes > QUEUE_BYTES_MAX) this.#connection?.stream.pause()
    this.#wake.resolve()
  }

  handleCommandComplete(): void {
    // There are several.
  }

  handleReadyForQuery(): void {
    this.#ended = true
    this.#wake.resolve()
  }

  handleError(error: unknown): void {
    this.#error = error
    this.#wake.resolve()
  }
}

class TarStream implements BaseBackupStream {
  readonly #query: StreamedQuery

  constructor(client: Client) {
    this.#query = client.query(
      new StreamedQuery(`BASE_BACKUP (LABEL 'sealpost', CHECKPOINT 'fast', WAIT 0, MANIFEST 'no')`),
    )
  }

  async *tar(): AsyncIterable<Buffer> {
    let archives = 0
    for await (const message of this.#query.messages()) {
      if (message[0] === ARCHIVE) archives += 1
      if (archives > 1) throw new DbError('DB_TABLESPACES', 'The cluster has tablespaces of its own')
      if (message[0] === DATA) yield message.subarray(1)
    }
  }

  get from(): LogPosition {
    return toPosition(this.#query.results[0])
  }

  get to(): LogPosition {
    return toPosition(this.#query.results[2])
  }
}

class PhysicalLog implements LogStream {
  readonly #client: Client
  readonly #query: StreamedQuery
  #confirmed: bigint

  constructor(client: Client, slot: string, { position, timeline }: LogPosition) {
    this.#client = client
    this.#confirmed = position
    const where = `${formatPosition(position)} TIMELINE ${String(timeline)}`
    this.#query = client.query(new StreamedQuery(`START_REPLICATION SLOT ${slot} PHYSICAL ${where}`))
  }

  async *pieces(): AsyncIterable<{ position: bigint; bytes: Buffer }> {
    using _ = systemClock.every(STATUS_MS, () => {
      if (this.#query.silentMs > SILENCE_MS_MAX) streamOf(this.#client).destroy()
      else this.#tell()
    })
    for await (const message of this.#query.messages()) {
      if (message[0] === LOG)
        yield { position: message.readBigUInt64BE(1), bytes: message.subarray(LOG_HEAD_BYTES) }
      // The last byte: whether an answer is wanted.
      else if (message[0] === KEEPALIVE && message.at(-1) === 1) this.#tell()
    }
  }

  confirm(position: bigint): void {
    this.#confirmed = position
    this.#tell()
  }

  /** A standby status update: what was received, and what is durable; nothing is replayed. */
  #tell(): void {
    const status = Buffer.alloc(34)
    status.writeUInt8(STATUS ?? 0)
    status.writeBigUInt64BE(this.#confirmed, 1)
    status.writeBigUInt64BE(this.#confirmed, 9)
    status.writeBigUInt64BE(BigInt(systemClock.now() - EPOCH_MS) * 1000n, 25)
    connectionOf(this.#client).sendCopyFromChunk(status)
  }
}

/** What the driver's types leave out. */
function connectionOf(client: Client): Connection & { sendCopyFromChunk(chunk: Buffer): void } {
  return (client as unknown as { connection: Connection & { sendCopyFromChunk(chunk: Buffer): void } })
    .connection
}

function streamOf(client: Client): Connection['stream'] {
  return connectionOf(client).stream
}

function toPosition(rows: readonly Row[] = []): LogPosition {
  const [[position, timeline] = []] = rows
  if (!position || !timeline) throw unexpected()
  return { position: parsePosition(position), timeline: Number(timeline) }
}

/** `16/B374D848`: both halves in hex. */
function parsePosition(text: string): bigint {
  const [high = '', low = ''] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}

function formatPosition(position: bigint): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffffffffn).toString(16)}`.toUpperCase()
}

function unexpected(): DbError {
  return new DbError('DB_REPLICATION', 'Postgres gave an answer of another form than its protocol says')
}
