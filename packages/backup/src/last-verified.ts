/** When a backup was last restored and found whole, and when all were last copied elsewhere: beside the backups, so that a restart and a program on the host know it, too. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Archive } from './archive.ts'
import { writeDurably } from './durable-file.ts'

const FILE = 'verified.json'
const COPIED_FILE = 'copied.json'

export interface LastVerified {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How long the restore took. */
  readonly seconds: number
}

export function noteVerified(archive: Archive, { at, seconds }: LastVerified): Promise<void> {
  return note(archive, FILE, { at, seconds })
}

/** Undefined: never, or nobody can tell. */
export async function lastVerified(archive: Archive): Promise<LastVerified | undefined> {
  const { at, seconds } = await read(archive, FILE)
  return at === undefined || seconds === undefined ? undefined : { at, seconds }
}

/** `at` in milliseconds since the epoch. */
export function noteCopied(archive: Archive, at: number): Promise<void> {
  return note(archive, COPIED_FILE, { at })
}

export async function lastCopied(archive: Archive): Promise<number | undefined> {
  const { at } = await read(archive, COPIED_FILE)
  return at
}

async function note({ directory }: Archive, file: string, figures: Record<string, number>): Promise<void> {
  await writeDurably(join(directory, file), Readable.from([Buffer.from(JSON.stringify(figures))]))
}

async function read({ directory }: Archive, file: string): Promise<Record<string, number | undefined>> {
  try {
    const value = JSON.parse(await readFile(join(directory, file), 'utf8')) as Record<string, unknown>
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    )
  } catch {
    return {}
  }
}
