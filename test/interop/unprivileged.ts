/** Some programs refuse to run as root: there they run as `nobody`, in a home directory that is given to it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const NOBODY = '65534'
const isRoot = process.getuid?.() === 0

/** To be put before a command. */
export const UNPRIVILEGED: readonly string[] = isRoot
  ? ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups']
  : []

/** Lets such a program have a directory, and all in it. */
export async function giveAway(directory: string): Promise<void> {
  if (isRoot) await promisify(execFile)('chown', ['-R', `${NOBODY}:${NOBODY}`, directory])
}
