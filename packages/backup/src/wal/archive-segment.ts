/**
 * The archive_command of Postgres: `node archive-segment.ts DIRECTORY RECIPIENT,… PATH NAME` compresses, encrypts and syncs one file into the archive. Asked again for
 * what is there it says that it is; for another content under the same name it fails, as Postgres asks of such a command.
 */
import { createReadStream } from 'node:fs'
import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { encryptAge } from '../age/age.ts'
import { readRecipient } from '../age/keys.ts'
import { writeDurably } from '../durable-file.ts'
import { archivedName, nameOfArchived } from './segment-name.ts'

const DIGEST_CHARS = 32

const [directory = '', recipients = '', path = '', name = ''] = process.argv.slice(2)
process.exitCode = await archive()

async function archive(): Promise<number> {
  const digest = hash('sha256', await readFile(path)).slice(0, DIGEST_CHARS)
  const file = archivedName(name, digest)
  const there = (await readdir(directory)).filter((each) => nameOfArchived(each) === name)
  if (there.length > 0) return there.includes(file) ? 0 : 1
  const compressed = createReadStream(path).pipe(createGzip())
  await writeDurably(
    join(directory, file),
    encryptAge(compressed as AsyncIterable<Buffer>, recipients.split(',').map(readRecipient)),
  )
  return 0
}
