import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDataDirectory } from './data-directory.ts'

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-data-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

test('a directory that all users share is refused and left as it is', async () => {
  const shared = await makeDirectory()
  await chmod(shared, 0o1777)
  await expect(openDataDirectory(shared)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  expect((await stat(shared)).mode & 0o7777).toBe(0o1777)
})

test('a path that cannot be a directory is told with the name of its variable', async () => {
  const file = join(await makeDirectory(), 'file')
  await writeFile(file, '')
  for (const path of [file, join(file, 'below')])
    await expect(openDataDirectory(path)).rejects.toThrow(/cannot be made .* SEALPOST_DATA_DIR/)
})
