/** Global setup of the interop tests: names the programs that are missing, and then does not start. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Command and the Debian package that brings it. */
const PROGRAMS: readonly (readonly [command: string, debianPackage: string])[] = [
  ['go-sendxmpp', 'go-sendxmpp'],
  ['profanity', 'profanity'],
  ['tmux', 'tmux'],
]

export default async function setup(): Promise<void> {
  const missing: string[] = []
  for (const [command, debianPackage] of PROGRAMS) {
    const found = await promisify(execFile)('sh', ['-c', `command -v ${command}`]).catch(() => undefined)
    if (found === undefined) missing.push(debianPackage)
  }
  if (missing.length > 0) throw new Error(`missing programs: apt-get install ${missing.join(' ')}`)
}
