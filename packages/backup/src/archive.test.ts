import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeIdentity } from './age/keys.ts'
import { Archive, MANIFEST_FILE, nameOfBase } from './archive.ts'
import type { Manifest } from './manifest.ts'
import { verifyArchive } from './verify-archive.ts'
import { IDENTITY_VARIABLE } from './wal/config.ts'

const { identity, recipient } = makeIdentity()
const WAL = join(import.meta.dirname, 'wal')
const DAY_MS = 86_400_000
const NOW = new Date('2026-11-26T12:00:00Z')

async function makeArchive(): Promise<Archive> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-archive-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const archive = new Archive(directory)
  await archive.prepare(0o700)
  return archive
}

const segment = (number: number, timeline = 1): string =>
  [timeline, Math.floor(number / 256), number % 256]
    .map((part) => part.toString(16).toUpperCase().padStart(8, '0'))
    .join('')

async function addBase(archive: Archive, daysAgo: number, first: number): Promise<string> {
  const ended = new Date(NOW.getTime() - daysAgo * DAY_MS)
  const name = nameOfBase(ended)
  const manifest: Manifest = {
    format: 1,
    startedAt: ended.toISOString(),
    endedAt: ended.toISOString(),
    startSegment: segment(first),
    stopSegment: segment(first),
    postgresVersion: 180_000,
    systemIdentifier: '1',
    superuser: 'sealpost',
    database: 'sealpost',
    files: 0,
    plainBytes: 0,
    encryptedBytes: 0,
    sha256: '',
  }
  await mkdir(join(archive.base, name))
  await writeFile(join(archive.base, name, MANIFEST_FILE), JSON.stringify(manifest))
  return name
}

function putSegment(archive: Archive, path: string, name: string): number | null {
  return spawnSync(process.execPath, [join(WAL, 'archive-segment.ts'), archive.wal, recipient, path, name])
    .status
}

function getSegment(archive: Archive, name: string, path: string, key = identity): number | null {
  return spawnSync(process.execPath, [join(WAL, 'fetch-segment.ts'), archive.wal, name, path], {
    env: { [IDENTITY_VARIABLE]: key },
  }).status
}

test('a segment is archived once, comes back as it was, and another one under its name is refused', async () => {
  const archive = await makeArchive()
  const [path, back] = [join(archive.directory, 'segment'), join(archive.directory, 'back')]
  const bytes = randomBytes(3_000_000)
  await writeFile(path, bytes)
  expect(putSegment(archive, path, segment(300))).toBe(0)
  expect(putSegment(archive, path, segment(300))).toBe(0)
  expect(await archive.archived()).toEqual([segment(300)])
  expect(getSegment(archive, segment(300), back)).toBe(0)
  expect((await readFile(back)).equals(bytes)).toBe(true)
  await writeFile(path, randomBytes(1000))
  expect(putSegment(archive, path, segment(300))).toBe(1)
  expect(getSegment(archive, segment(301), back)).toBe(1)
  expect(getSegment(archive, segment(300), back, makeIdentity().identity)).toBe(200)
  const [file = ''] = await readdir(archive.wal)
  await writeFile(join(archive.wal, file), (await readFile(join(archive.wal, file))).subarray(0, -9))
  expect(getSegment(archive, segment(300), join(archive.directory, 'none'))).toBe(200)
  expect(await readdir(archive.directory)).not.toContain('none')
})

test('what is older than it may get goes with the log that it alone needs; the newest base stays whatever its age', async () => {
  const archive = await makeArchive()
  const bases = [
    await addBase(archive, 1, 500),
    await addBase(archive, 14, 300),
    await addBase(archive, 16, 255),
  ]
  const digest = '0'.repeat(32)
  for (const name of [segment(254), segment(255), segment(299), segment(300), segment(501), segment(299, 2)])
    await writeFile(join(archive.wal, `${name}-${digest}.gz.age`), '')
  await writeFile(join(archive.wal, `${segment(255)}.00000028.backup-${digest}.gz.age`), '')
  await writeFile(join(archive.wal, `00000002.history-${digest}.gz.age`), '')
  const draft = join(archive.wal, '.draft-1-x')
  await writeFile(draft, '')
  await utimes(draft, NOW, new Date(NOW.getTime() - 2 * DAY_MS))
  await writeFile(join(archive.wal, '.draft-2-x'), '')
  await utimes(join(archive.wal, '.draft-2-x'), NOW, NOW)

  const before = new Date(NOW.getTime() - 15 * DAY_MS)
  expect(await archive.prune(before, NOW)).toEqual({ bases: 1, segments: 5 })
  expect((await archive.bases()).map(({ name }) => name)).toEqual(bases.slice(0, 2))
  expect(await archive.archived()).toEqual([segment(300), segment(501), '00000002.history'])
  expect((await readdir(archive.wal)).filter((name) => name.startsWith('.'))).toEqual(['.draft-2-x'])

  const muchLater = new Date(NOW.getTime() + 100 * DAY_MS)
  expect(await archive.prune(muchLater, NOW)).toEqual({ bases: 1, segments: 1 })
  expect((await archive.bases()).map(({ name }) => name)).toEqual(bases.slice(0, 1))
})

test('a base whose removal was cut short is none, and stands in the way of nothing', async () => {
  const archive = await makeArchive()
  const [whole, cut] = [await addBase(archive, 1, 500), await addBase(archive, 16, 300)]
  await rm(join(archive.base, cut, MANIFEST_FILE))
  expect((await archive.bases()).map(({ name }) => name)).toEqual([whole])
  expect(await archive.prune(new Date(NOW.getTime() - 15 * DAY_MS), NOW)).toEqual({ bases: 0, segments: 0 })
})

test('a base whose manifest is damaged is told of, restores nothing, stands in the way of nothing, and goes when it is old', async () => {
  const archive = await makeArchive()
  const [whole, damaged] = [await addBase(archive, 2, 300), await addBase(archive, 1, 500)]
  await writeFile(join(archive.base, damaged, MANIFEST_FILE), '{"format":1')
  expect((await archive.bases()).map(({ name }) => name)).toEqual([whole])
  expect(await verifyArchive(archive)).toEqual([
    { name: whole, finding: 'changed' },
    { name: damaged, finding: 'manifest' },
  ])
  expect(await archive.prune(new Date(NOW.getTime() - 15 * DAY_MS), NOW)).toEqual({ bases: 0, segments: 0 })
  expect(await archive.damaged()).toEqual([damaged])
  expect(await archive.prune(NOW, NOW)).toEqual({ bases: 1, segments: 0 })
  expect(await archive.damaged()).toEqual([])
  expect((await archive.bases()).map(({ name }) => name)).toEqual([whole])
})
