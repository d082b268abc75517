/** What can be told of backups without the means to open them: each base is as it was written, and the log goes on from it without a gap. */
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Archive, BASE_FILE, type BaseBackup } from './archive.ts'
import { parseSegment } from './wal/segment-name.ts'

export type Finding = 'changed' | 'log-missing' | 'log-gap'

export interface CheckedBase {
  readonly base: BaseBackup
  /** Undefined: nothing is wrong. */
  readonly finding: Finding | undefined
}

/** The newest first. */
export async function verifyArchive(archive: Archive): Promise<CheckedBase[]> {
  const archived = new Set(await archive.archived())
  const checked: CheckedBase[] = []
  for (const base of await archive.bases())
    checked.push({ base, finding: (await isChanged(base)) ? 'changed' : gapAfter(base, archived) })
  return checked
}

async function isChanged({ directory, manifest }: BaseBackup): Promise<boolean> {
  const hash = createHash('sha256')
  try {
    for await (const bytes of createReadStream(join(directory, BASE_FILE)) as AsyncIterable<Buffer>)
      hash.update(bytes)
  } catch {
    return true
  }
  return hash.digest('hex') !== manifest.sha256
}

function gapAfter({ manifest }: BaseBackup, archived: ReadonlySet<string>): Finding | undefined {
  const [first, last] = [parseSegment(manifest.startSegment), parseSegment(manifest.stopSegment)]
  if (first === undefined || last === undefined) return 'log-missing'
  const numbers = [...archived]
    .flatMap((name) => parseSegment(name) ?? [])
    .filter(({ timeline, number }) => timeline === first.timeline && number >= first.number)
    .map(({ number }) => number)
  const there = new Set(numbers)
  for (let number = first.number; number <= last.number; number++)
    if (!there.has(number)) return 'log-missing'
  const newest = numbers.reduce((high, number) => Math.max(high, number), last.number)
  return newest - first.number + 1 === there.size ? undefined : 'log-gap'
}
