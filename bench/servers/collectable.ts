/**
 * Loaded into a server before its program (`NODE_OPTIONS=--import …`): at SIGUSR2 it collects what is not in use, so that what is left can be measured. Nothing in the program
 * knows of it.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as NodeJS.GCFunction

process.on('SIGUSR2', () => collect({ type: 'major', execution: 'sync' }))
