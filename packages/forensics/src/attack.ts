/**
 * The attacker of docs/privacy.md: has every byte that our disks, archives and backups ever held, at any age, and the keyring as it is now. Carves sealed rows
 * out of all of it, takes each window of 32 bytes of the keyring for a key, and opens what it can.
 */
import { hash } from 'node:crypto'
import { open, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { unlessGone } from '@sealpost/errors'
import { Carver, ROW_BYTES_MAX, type CarvedRow } from './carve.ts'
import { type Candidate, KeySearch } from './key-search.ts'
import { openColumns, openSpooled } from './mail.ts'
import { CHUNK_BYTES, openUploads } from './upload.ts'
import { isSegment, withoutPageHeads } from './write-ahead-log.ts'

export interface Loot {
  /** Searched with all that is below them. */
  readonly directories: readonly string[]
  /** Keyrings, or copies of them. */
  readonly keyrings: readonly string[]
  /** Rows and files that are looked for, where not all are: of rows, short ones alone. Memory then does not grow with the loot. */
  readonly ids?: readonly string[]
}

export interface Spoils {
  /** Rows that were found, whether they could be opened or not. */
  readonly rows: number
  /** What could be read. */
  readonly plaintexts: readonly Buffer[]
}

/** Bytes of a file that are searched at once. */
const STRETCH_BYTES = 64 * 1024 * 1024
/** Bodies of mails and uploaded files have random names. */
const NAMELESS = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Files that go meanwhile are passed over: a database that runs removes some. */
export async function attack({ directories, keyrings, ids }: Loot): Promise<Spoils> {
  const carver = new Carver(ids && new Set(ids.map((id) => id.replaceAll('-', ''))))
  const files: Buffer[] = []
  const seen = new Set<string>()
  for (const directory of directories)
    for (const { path, name } of await filesBelow(directory)) {
      if (NAMELESS.test(name) && ids?.includes(name) !== false)
        await readStart(path, CHUNK_BYTES).then((start) => files.push(start), unlessGone)
      await searchFile(carver, path, name, seen).catch(unlessGone)
    }
  const search = new KeySearch(candidates(carver))
  const plaintexts: Buffer[] = []
  for (const path of keyrings)
    for (const { row, plaintext } of search.openWith(await readFile(path)))
      plaintexts.push(plaintext, ...openMail(plaintext, row, files), ...openUploads(plaintext, files))
  return { rows: carver.rows.size, plaintexts }
}

function* candidates(carver: Carver): Iterable<Candidate> {
  for (const row of [...carver.rows.values()].flat()) {
    const blob = carver.blobOf(row)
    if (blob !== undefined) yield { row, blob }
  }
}

/** When what was opened may be the key of a mail: what that opens. */
function openMail(key: Buffer, { rest }: CarvedRow, files: readonly Buffer[]): Buffer[] {
  if (key.length !== 32) return []
  return [...openColumns(key, rest), ...files.flatMap((file) => openSpooled(key, file) ?? [])]
}

async function filesBelow(directory: string): Promise<{ path: string; name: string }[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => ({ path: join(parentPath, name), name }))
}

/** What was searched before, as most of a backup was, is passed over. */
async function searchFile(carver: Carver, path: string, name: string, seen: Set<string>): Promise<void> {
  await using file = await open(path)
  const { size } = await file.stat()
  for (let from = 0; from < size; from += STRETCH_BYTES) {
    const bytes = Buffer.alloc(Math.min(STRETCH_BYTES + ROW_BYTES_MAX, size - from))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
    const stretch = bytes.subarray(0, bytesRead)
    const digest = hash('sha1', stretch)
    if (seen.has(digest)) continue
    seen.add(digest)
    carver.search(isSegment(name) ? withoutPageHeads(stretch) : stretch)
  }
}

async function readStart(path: string, length: number): Promise<Buffer> {
  await using file = await open(path)
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await file.read(bytes, 0, length, 0)
  return bytes.subarray(0, bytesRead)
}
