/** Brings one file of the log into the archive: compressed, encrypted, synced; once, and never another one under its name. */
import { hash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { encryptAge } from '../age/age.ts'
import { readRecipient } from '../age/keys.ts'
import { writeDurably } from '../durable-file.ts'
import { through } from '../through.ts'
import { archivedName, nameOfArchived } from './segment-name.ts'

const DIGEST_CHARS = 32
/** What is handed to compression at once. */
const PIECE_BYTES = 64 * 1024

/** `name` as Postgres knows it, recipients as `age1…`. False: another content has the name. */
export async function archiveFile(
  directory: string,
  recipients: readonly string[],
  file: { readonly name: string; readonly content: Buffer },
): Promise<boolean> {
  const { name, content } = file
  const archived = archivedName(name, hash('sha256', content).slice(0, DIGEST_CHARS))
  const there = (await readdir(directory)).filter((each) => nameOfArchived(each) === name)
  if (there.length > 0) return there.includes(archived)
  const compressed = through(pieces(content), createGzip())
  await writeDurably(join(directory, archived), encryptAge(compressed, recipients.map(readRecipient)))
  return true
}

async function* pieces(content: Buffer): AsyncIterable<Buffer> {
  for (let from = 0; from < content.length; from += PIECE_BYTES)
    yield content.subarray(from, from + PIECE_BYTES)
}
