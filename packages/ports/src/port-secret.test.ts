import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '@sealpost/runtime'
import { openPortSecret, PORT_SECRET_FILE } from './port-secret.ts'

const folders: string[] = []
let folder: string
beforeEach(async () => folders.push((folder = await mkdtemp(join(tmpdir(), 'sealpost-ports-')))))
afterAll(() => Promise.all(folders.map((each) => rm(each, { recursive: true }))))

const open = () => openPortSecret(folder, systemRandom)

test('the first makes it, the owner alone may read it, the next reads the same', async () => {
  const first = await open()
  expect((await stat(join(folder, PORT_SECRET_FILE))).mode & 0o777).toBe(0o600)
  expect((await open()).authorization).toBe(first.authorization)
  expect(first.authorization).toBe(
    `Bearer ${(await readFile(join(folder, PORT_SECRET_FILE), 'utf8')).trim()}`,
  )
})

test('20 at once in a directory that is not there yet: one secret, and no drafts left', async () => {
  folder = join(folder, 'new')
  const all = await Promise.all(Array.from({ length: 20 }, open))
  expect(new Set(all.map(({ authorization }) => authorization)).size).toBe(1)
  expect(await readdir(folder)).toEqual([PORT_SECRET_FILE])
})

test('only the secret itself is accepted', async () => {
  const secret = await open()
  expect(secret.isShownBy(secret.authorization)).toBe(true)
  const { authorization } = secret
  for (const wrong of [undefined, '', 'Bearer ', authorization.slice(0, -1), `${authorization}x`, 'Basic x'])
    expect(secret.isShownBy(wrong)).toBe(false)
})

test('a file that others may read, or that holds too little, is refused', async () => {
  const path = join(folder, PORT_SECRET_FILE)
  await writeFile(path, 'short\n', { mode: 0o600 })
  await expect(open()).rejects.toMatchObject({ code: 'PORT_SECRET_UNUSABLE' })
  await writeFile(path, `${systemRandom.token(32)}\n`)
  await chmod(path, 0o640)
  await expect(open()).rejects.toMatchObject({ code: 'PORT_SECRET_UNUSABLE' })
})
