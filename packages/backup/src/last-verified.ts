/** When a backup was last restored and found whole: beside the backups, so that a restart and a program on the host know it, too. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { Archive } from './archive.ts'
import { writeDurably } from './durable-file.ts'

const FILE = 'verified.json'

export interface LastVerified {
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How long the restore took. */
  readonly seconds: number
}

export async function noteVerified({ directory }: Archive, verified: LastVerified): Promise<void> {
  await writeDurably(join(directory, FILE), Readable.from([Buffer.from(JSON.stringify(verified))]))
}

/** Undefined: never, or nobody can tell. */
export async function lastVerified({ directory }: Archive): Promise<LastVerified | undefined> {
  try {
    const { at, seconds } = JSON.parse(await readFile(join(directory, FILE), 'utf8')) as Record<
      string,
      unknown
    >
    return typeof at === 'number' && typeof seconds === 'number' ? { at, seconds } : undefined
  } catch {
    return undefined
  }
}
