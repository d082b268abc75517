/**
 * The archive_command of the embedded Postgres: `node archive-segment.ts DIRECTORY RECIPIENT,… PATH NAME`. Asked again for what is there it says that it is; for another
 * content under the same name it fails, as Postgres asks of such a command.
 */
import { readFile } from 'node:fs/promises'
import { archiveFile } from './archive-file.ts'

const [directory = '', recipients = '', path = '', name = ''] = process.argv.slice(2)
const isThere = await archiveFile(directory, recipients.split(','), { name, content: await readFile(path) })
process.exitCode = isThere ? 0 : 1
