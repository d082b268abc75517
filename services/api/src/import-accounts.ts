/** One import at a time, reading its upload ahead within a bound. */
import { addAbortSignal, PassThrough, Transform, type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  readAccountsCsv,
  readAccountsJsonLines,
  type AccountsDomain,
  type ImportReport,
} from '@sealpost/accounts'
import { errorCode } from '@sealpost/errors'
import { HttpProblem } from '@sealpost/http'
import type { Clock } from '@sealpost/runtime'
import type { ImportCounts, UploadType } from './commands/command.ts'
import type { ApiEvents } from './events.ts'

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
  readonly clock: Clock
  readonly events: ApiEvents
}

const READERS = { 'text/csv': readAccountsCsv, 'application/x-ndjson': readAccountsJsonLines } as const

type Progress = (counts: ImportCounts) => void

/** The function that runs an import of an upload; fails when the upload breaks off, leaving what was created. */
export function createImporter({ accounts, domains, clock, events }: ImportOptions) {
  let running = false
  return async (
    upload: Readable,
    type: UploadType,
    onProgress: Progress,
    signal: AbortSignal,
  ): Promise<ImportReport> => {
    if (running) throw reject.running()
    running = true
    const started = clock.monotonic()
    try {
      const report = await importAhead(upload, signal, (chunks) =>
        accounts.importAll(whileWanted(READERS[type](chunks, domains), signal), onProgress),
      )
      const { created, exists, invalid } = report
      events.importEnded({ created, exists, invalid }, Math.round(clock.monotonic() - started))
      return report
    } catch (error) {
      events.importFailed(errorCode(error))
      throw error
    } finally {
      running = false
    }
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
