/** How far an import has come, so that one that was ended goes on where it was: file names and numbers, nothing of what is in the files. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { RefusedError } from '../client.ts'

export interface ImportState {
  /** Of which files: the path as it was given, resolved. */
  readonly path: string
  readonly finished: readonly string[]
  /** The file that is being read: its size, so that another one of that name is read from its beginning, and how far it is done. */
  readonly current: { readonly file: string; readonly size: number; readonly end: number } | undefined
  readonly counts: Readonly<Record<string, number>>
}

/** Undefined when there is none, or when it is of another path. */
export async function readState(file: string, path: string): Promise<ImportState | undefined> {
  try {
    const state = JSON.parse(await readFile(file, 'utf8')) as ImportState
    return state.path === path && Array.isArray(state.finished) ? state : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new RefusedError(`The state of an earlier import cannot be read: ${file}. Remove it to begin anew`)
  }
}

export async function writeState(file: string, state: ImportState): Promise<void> {
  const next = `${file}.next`
  await writeFile(next, JSON.stringify(state), { mode: 0o600 })
  await rename(next, file)
}

export async function forgetState(file: string): Promise<void> {
  await rm(file, { force: true })
}
