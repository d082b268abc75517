/** Whether a keyring opens sealed rows that are at hand, tried in a process of its own: each window of 32 bytes of the keyring may be a key. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** As it stands in the table of what waits. */
export interface StoredRow {
  readonly id: string
  readonly queueHandle: string
  readonly seq: number
  readonly sizeClass: number
  readonly blob: Buffer
}

export interface TrialOrders {
  /** A file. */
  readonly keyring: string
  /** `blob` in Base64. */
  readonly rows: readonly (Omit<StoredRow, 'blob'> & { readonly blob: string })[]
}

export type TrialAnswer = { readonly opened: readonly string[] } | { readonly failed: string }

const PROGRAM = join(import.meta.dirname, 'try-rows-program.ts')
/** Of a keyring of a million keys. */
const TRIAL_MS_MAX = 1_800_000

/** Ids of those that it opens. Rejects when the keyring cannot be read, or it takes too long. */
export async function tryRows(rows: readonly StoredRow[], keyring: string): Promise<ReadonlySet<string>> {
  const child = spawn(process.execPath, [PROGRAM], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
    timeout: TRIAL_MS_MAX,
    killSignal: 'SIGKILL',
  })
  const closed = once(child, 'close')
  const encoded = rows.map((row) => ({ ...row, blob: row.blob.toString('base64') }))
  child.stdin
    .on('error', () => undefined)
    .end(JSON.stringify({ keyring, rows: encoded } satisfies TrialOrders))
  const said = await text(child.stdout)
  await closed
  const answer = (said === '' ? { failed: 'ENDED' } : JSON.parse(said)) as TrialAnswer
  if ('failed' in answer) throw Object.assign(new Error('the trial failed'), { code: answer.failed })
  return new Set(answer.opened)
}
