/** Debian's OpenSSH in a directory of its own, as the user of this process: for whoever has the one key; and a client that knows its host key, and asks nobody. */
import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startDaemon, type Daemon } from './daemon.ts'
import { freePort } from './free-port.ts'

export interface Sshd extends Daemon {
  readonly port: number
  /** For `ssh -F`. */
  readonly clientFile: string
}

export async function startSshd(directory: string): Promise<Sshd> {
  for (const name of ['host', 'own'])
    await promisify(execFile)('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)])
  const port = await freePort()
  const place = (name: string): string => join(directory, name)
  await mkdir('/run/sshd', { recursive: true })
  const lines = [
    `Port ${String(port)}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${place('host')}`,
    `AuthorizedKeysFile ${place('own.pub')}`,
    'StrictModes no',
    'UsePAM no',
    'PidFile none',
    'Subsystem sftp internal-sftp',
  ]
  await writeFile(place('sshd_config'), `${lines.join('\n')}\n`)
  const hostKey = await readFile(place('host.pub'), 'utf8')
  await writeFile(place('known_hosts'), `[127.0.0.1]:${String(port)} ${hostKey}`)
  const client = [
    `IdentityFile ${place('own')}`,
    `UserKnownHostsFile ${place('known_hosts')}`,
    'BatchMode yes',
    'StrictHostKeyChecking yes',
  ]
  const clientFile = place('ssh_config')
  await writeFile(clientFile, `${client.join('\n')}\n`)
  const isReady = (said: string): boolean => said.includes('Server listening')
  const daemon = await startDaemon(['/usr/sbin/sshd', '-D', '-e', '-f', place('sshd_config')], { isReady })
  return { ...daemon, port, clientFile }
}
