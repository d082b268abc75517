/** What can be told of backups without the means to open them: each base is as it was written, and the log goes on from it without a gap. */
import { createReadStream } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Archive, BASE_FILE, type BaseBackup } from './archive.ts'
import type { Manifest } from './manifest.ts'
import { formatSegment, parseSegment } from './wal/segment-name.ts'

export type Finding = 'manifest' | 'changed' | 'log-missing' | 'log-gap'

export interface CheckedBase {
  readonly name: string
  /** Undefined: nothing is wrong. */
  readonly finding: Finding | undefined
}

/** Those with a manifest first, the newest first. */
export async function verifyArchive(archive: Archive): Promise<CheckedBase[]> {
  const archived = new Set(await archive.archived())
  const checked: CheckedBase[] = []
  for (const base of await archive.bases())
    checked.push({
      name: base.name,
      finding: (await isChanged(base)) ? 'changed' : gapAfter(base, archived),
    })
  const damaged = (await archive.damaged()).map((name) => ({ name, finding: 'manifest' }) as const)
  return [...checked, ...damaged]
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

/** Whether the log without which a base cannot be restored is incomplete. */
export function isLogMissing(
  { startSegment, stopSegment }: Pick<Manifest, 'startSegment' | 'stopSegment'>,
  archived: ReadonlySet<string>,
): boolean {
  const [first, last] = [parseSegment(startSegment), parseSegment(stopSegment)]
  if (first === undefined || last === undefined) return true
  const names = Array.from({ length: last.number - first.number + 1 }, (_, index) =>
    formatSegment({ timeline: first.timeline, number: first.number + index }),
  )
  return !names.every((name) => archived.has(name))
}

/** What is wrong with the log of a base, as far as it goes. */
export function gapAfter({ manifest }: BaseBackup, archived: ReadonlySet<string>): Finding | undefined {
  const [first, last] = [parseSegment(manifest.startSegment), parseSegment(manifest.stopSegment)]
  if (first === undefined || last === undefined || isLogMissing(manifest, archived)) return 'log-missing'
  const numbers = [...archived]
    .flatMap((name) => parseSegment(name) ?? [])
    .filter(({ timeline, number }) => timeline === first.timeline && number >= first.number)
    .map(({ number }) => number)
  const newest = numbers.reduce((high, number) => Math.max(high, number), last.number)
  return newest - first.number + 1 === new Set(numbers).size ? undefined : 'log-gap'
}
