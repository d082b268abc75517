import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** What was made, renamed or removed in a directory outlives a loss of power when this resolves. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  await directory.sync()
}
