/** A file that is there whole or not at all, whatever ends the process: written beside its place, synced, renamed, and the directory synced. */
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncDirectory } from '@sealpost/runtime'

/** Names of files that are being written begin so; those that a killed process left are cleared away by `clearDrafts` of Archive. */
export const DRAFT_PREFIX = '.draft-'

export async function writeDurably(path: string, content: AsyncIterable<Buffer>): Promise<void> {
  const draft = join(dirname(path), `${DRAFT_PREFIX}${String(process.pid)}-${basename(path)}`)
  try {
    {
      await using file = await open(draft, 'w', 0o600)
      for await (const bytes of content) await file.writeFile(bytes)
      await file.sync()
    }
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
  }
  await syncDirectory(dirname(path))
}
