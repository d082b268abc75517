/** One import at a time, reading its upload ahead within a bound. */
import { addAbortSignal, PassThrough, Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  deriveVerifiers,
  readAccountsCsv,
  readAccountsJsonLines,
  type AccountsDomain,
  type ImportReport,
} from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import { HttpProblem } from '@sealpost/http'
import type { ChatImport } from '@sealpost/ports'
import type { Clock, Random } from '@sealpost/runtime'
import type { ImportCounts, ImportType } from './commands/command.ts'
import type { ApiEvents } from './events.ts'
import { importPortable, type PortableImportOptions, type PortableReport } from './import/import-portable.ts'
import { readPortableUsers } from './import/portable-users.ts'

/** Read ahead of the derivation, so that a slow import does not look like a slow client: a million lines or so. */
const AHEAD_BYTES = 32 * 1024 * 1024
/** Largest upload. */
export const UPLOAD_BYTES_MAX = 512 * 1024 * 1024

const reject = {
  running: () =>
    new HttpProblem(409, 'import-running', 'Another import is running; try again when it has ended'),
  tooLarge: () => new HttpProblem(413, 'import-too-large', 'The file is too large'),
} as const

export interface ImportOptions {
  readonly accounts: AccountsDomain
  readonly domains: readonly string[]
  readonly chat: ChatImport
  readonly clock: Clock
  readonly random: Random
  readonly events: ApiEvents
}

const READERS = { 'text/csv': readAccountsCsv, 'application/x-ndjson': readAccountsJsonLines } as const

type Progress = (counts: ImportCounts) => void

/** Imports of an upload, one at a time: IMPORT_RUNNING otherwise. They fail when the upload breaks off, leaving what was created. */
export interface Importer {
  accounts(
    upload: Readable,
    type: ImportType,
    onProgress: Progress,
    signal: AbortSignal,
  ): Promise<ImportReport>
  /** Documents of XEP-0227 with form feeds between them. */
  portable(upload: Readable, options: PortableImportOptions, signal: AbortSignal): Promise<PortableReport>
}

export function createImporter({ accounts, domains, chat, clock, random, events }: ImportOptions): Importer {
  let running = false

  async function run<T extends ImportCounts>(
    upload: Readable,
    signal: AbortSignal,
    work: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
  ): Promise<T> {
    if (running) throw reject.running()
    running = true
    const started = clock.monotonic()
    try {
      const report = await importAhead(upload, signal, work)
      const { created, completed = 0, exists, invalid } = report
      events.importEnded({ created, completed, exists, invalid }, Math.round(clock.monotonic() - started))
      return report
    } catch (error) {
      events.importFailed(errorCode(error))
      throw error
    } finally {
      running = false
    }
  }

  const parts = {
    accounts,
    chat,
    domains,
    deriveVerifiers: (password: string) => deriveVerifiers(password, random),
  }
  return {
    accounts: (upload, type, onProgress, signal) =>
      run(upload, signal, (chunks) =>
        accounts.importAll(whileWanted(READERS[type](chunks, domains), signal), onProgress),
      ),
    portable: (upload, options, signal) =>
      run(upload, signal, (chunks) =>
        importPortable(whileWanted(readPortableUsers(chunks), signal), parts, options),
      ),
  }
}

/** Much may have been read ahead: a client that goes is noticed at the next line, not at the next chunk. */
async function* whileWanted<T>(rows: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const row of rows) {
    signal.throwIfAborted()
    yield row
  }
}

async function importAhead<T>(
  upload: Readable,
  signal: AbortSignal,
  work: (chunks: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const ahead = addAbortSignal(signal, new PassThrough({ highWaterMark: AHEAD_BYTES }))
  const reading = pipeline(upload, limitBytes(), ahead)
  reading.catch(() => undefined) // Told to `work` by the destroyed stream, and awaited below.
  const result = await work(ahead)
  await reading
  return result
}

function limitBytes(): Transform {
  let length = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length
      done(length > UPLOAD_BYTES_MAX ? reject.tooLarge() : null, chunk)
    },
  })
}
