/**
 * Loaded into a server before its program (`NODE_OPTIONS=--import …`): at SIGUSR2 it collects what is not in use, and writes how many bytes are left into a file named by its
 * process id in the directory IN_USE_DIRECTORY. Nothing in the program knows of it.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction

process.on('SIGUSR2', () => {
  collect({ type: 'major', execution: 'sync' })
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(join(process.env['IN_USE_DIRECTORY'] ?? '', String(process.pid)), String(heapUsed + external))
})
