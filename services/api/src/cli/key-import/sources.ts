/** Files with certificates, by what they begin with: OpenPGP as it is or armored, GnuPG's keybox, and the JSON of mailvelope/keyserver. */
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { dearmor } from './dearmor.ts'
import { cutKeybox } from './keybox.ts'
import { readDocuments } from './mailvelope.ts'
import { cutCertificates } from './packet-splitter.ts'

export type ImportProblem = 'too-large' | 'secret' | 'malformed' | 'unknown-format'

/** One certificate, or what there was instead. `end` is a place in the file from which it may be read on; 0 where there is none but its beginning. */
export type Item =
  | {
      readonly certificate: Buffer
      /** Addresses that whoever wrote the file had verified. */
      readonly verified: readonly string[]
      readonly end: number
      readonly thinned?: true
    }
  | { readonly problem: ImportProblem; readonly end: number }

const BEGINNING_BYTES = 64 * 1024
const CHUNK_BYTES = 256 * 1024

type Format = 'binary' | 'armored' | 'keybox' | 'documents'

/** All of a file from a place on that an item of it named. */
export async function* readItems(path: string, start: number): AsyncGenerator<Item> {
  const format = await formatOf(path)
  if (format === undefined) {
    yield { problem: 'unknown-format', end: 0 }
    return
  }
  const begin = format === 'armored' ? 0 : start
  const chunks = createReadStream(path, { start: begin, highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>
  if (format === 'documents') yield* readDocuments(chunks, begin)
  else if (format === 'keybox') yield* unverified(cutKeybox(chunks, begin))
  else if (format === 'binary') yield* unverified(cutCertificates(chunks, begin))
  else for await (const item of unverified(cutCertificates(dearmor(chunks)))) yield { ...item, end: 0 }
}

type Unverified =
  | Omit<Extract<Item, { certificate: Buffer }>, 'verified'>
  | Extract<Item, { problem: string }>

async function* unverified(items: AsyncIterable<Unverified>): AsyncGenerator<Item> {
  for await (const item of items) yield 'problem' in item ? item : { ...item, verified: [] }
}

async function formatOf(path: string): Promise<Format | undefined> {
  await using file = await open(path)
  const buffer = Buffer.alloc(BEGINNING_BYTES)
  const { bytesRead } = await file.read(buffer, 0, BEGINNING_BYTES, 0)
  const beginning = buffer.subarray(0, bytesRead)
  if (beginning.toString('latin1', 8, 12) === 'KBXf') return 'keybox'
  if ((beginning[0] ?? 0) >= 0x80 && beginning[0] !== 0xef) return 'binary'
  if (/^\s*[[{]/.test(beginning.toString('latin1', 0, 64))) return 'documents'
  return beginning.includes('-----BEGIN PGP ') ? 'armored' : undefined
}
