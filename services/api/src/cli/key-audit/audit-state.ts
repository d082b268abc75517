/** What an audit remembers until the next one, in a file: the newest checkpoint seen, and how far the log has been read for each address. */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { OperationalError } from '@sealpost/errors'

/** Of one address, which is known by its hash in the log only. */
export interface ReadSoFar {
  readonly size: number
  /** Base64: the right edge of the tree of that size. */
  readonly frontier: string
  readonly entries: readonly { readonly index: number; readonly certificate: string }[]
}

export interface AuditState {
  readonly verifierKey: string
  readonly size: number
  /** Base64. */
  readonly root: string
  readonly addresses: Readonly<Record<string, ReadSoFar>>
}

const FILE_BYTES_MAX = 64 * 1024 * 1024

/** Undefined when there is no file yet. Throws AUDIT_STATE when it cannot be read, or is something else. */
export async function readAuditState(path: string): Promise<AuditState | undefined> {
  try {
    const bytes = await readFile(path)
    const state: unknown = bytes.length > FILE_BYTES_MAX ? undefined : JSON.parse(bytes.toString())
    if (isState(state)) return state
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
  }
  throw new OperationalError(
    'AUDIT_STATE',
    `The file ${path} cannot be read, or is not of an audit: move it away`,
  )
}

/** Written beside, then put in place of the old one. */
export async function writeAuditState(path: string, state: AuditState): Promise<void> {
  try {
    await writeFile(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600, flush: true })
    await rename(`${path}.new`, path)
  } catch {
    throw new OperationalError(
      'AUDIT_STATE',
      `The file ${path} cannot be written: give another with --state-file`,
    )
  }
}

function isState(value: unknown): value is AuditState {
  const { verifierKey, size, root, addresses } = (value ?? {}) as Partial<Record<keyof AuditState, unknown>>
  if (typeof verifierKey !== 'string' || !Number.isSafeInteger(size) || typeof root !== 'string') return false
  return typeof addresses === 'object' && addresses !== null && Object.values(addresses).every(isReadSoFar)
}

function isReadSoFar(value: unknown): boolean {
  const { size, frontier, entries } = (value ?? {}) as Partial<Record<keyof ReadSoFar, unknown>>
  return (
    Number.isSafeInteger(size) &&
    typeof frontier === 'string' &&
    Array.isArray(entries) &&
    entries.every(
      (each: Partial<Record<string, unknown>> | null) =>
        Number.isSafeInteger(each?.['index']) && typeof each?.['certificate'] === 'string',
    )
  )
}
