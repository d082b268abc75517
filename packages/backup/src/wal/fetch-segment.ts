/**
 * The restore_command of Postgres: `node fetch-segment.ts DIRECTORY NAME PATH` brings one file back from the archive. Ends with 1 when it is not there, which tells
 * Postgres that the archive ends; with 200 when it cannot be opened, which makes recovery fail instead of ending too early.
 */
import { createReadStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { decryptAge } from '../age/age.ts'
import { readIdentity } from '../age/keys.ts'
import { writeDurably } from '../durable-file.ts'
import { inheritedIdentity } from './config.ts'
import { nameOfArchived } from './segment-name.ts'

const NOT_THERE = 1
/** Above 125: not to be taken for the end of the archive. */
const FAILED = 200

const [directory = '', name = '', path = ''] = process.argv.slice(2)
process.exitCode = await fetch().catch(() => FAILED)

async function fetch(): Promise<number> {
  const file = (await readdir(directory)).find((each) => nameOfArchived(each) === name)
  if (file === undefined) return NOT_THERE
  const encrypted = createReadStream(join(directory, file))
  const compressed = decryptAge(encrypted as AsyncIterable<Buffer>, readIdentity(inheritedIdentity()))
  await pipeline(Readable.from(compressed), createGunzip(), (plain: AsyncIterable<Buffer>) =>
    writeDurably(path, plain),
  )
  return 0
}
