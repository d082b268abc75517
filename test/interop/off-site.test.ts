/** The weekly copy of backups elsewhere, by Debian's restic to Debian's OpenSSH over SFTP: it is whole, and its secrets stand in no variable. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Archive } from '@sealpost/backup'
import { Secret } from '@sealpost/config'
import { expect, onTestFinished, test, vi } from 'vitest'
import { copyOffSite } from '../../packages/dev-env/src/backup/restic.ts'
import { startDaemon } from './daemon.ts'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const DAY_MS = 86_400_000
const PASSWORD = 'far away'

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-off-site-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A program of this name, found before the real one. */
async function wrap(directory: string, name: string, line: string): Promise<void> {
  const real = (await run('which', [name])).stdout.trim()
  await writeFile(join(directory, name), `#!/bin/sh\n${line.replace('REAL', real)} "$@"\n`)
  await chmod(join(directory, name), 0o700)
}

/** For whoever has the one key, as the user of this process; knows its host key, and asks nobody. */
async function startSshd(directory: string): Promise<{ readonly port: number }> {
  for (const name of ['host', 'own'])
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(directory, name)])
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
  await writeFile(place('ssh_config'), `${client.join('\n')}\n`)
  const isReady = (said: string): boolean => said.includes('Server listening')
  const sshd = await startDaemon(['/usr/sbin/sshd', '-D', '-e', '-f', place('sshd_config')], { isReady })
  onTestFinished(() => sshd[Symbol.asyncDispose]())
  return { port }
}

test('a copy over SFTP is whole, and made twice is one more snapshot', async () => {
  const directory = await makeDirectory()
  const { port } = await startSshd(directory)
  const [programs, backups, copy] = ['bin', 'backups', 'copy'].map((name) => join(directory, name))
  if (programs === undefined || backups === undefined || copy === undefined) throw new Error('no places')
  await mkdir(programs)
  await wrap(programs, 'ssh', `exec REAL -F ${join(directory, 'ssh_config')}`)
  await wrap(programs, 'restic', `env >> ${join(directory, 'variables')}; exec REAL`)
  vi.stubEnv('PATH', `${programs}:${process.env['PATH'] ?? ''}`)
  vi.stubEnv('TMPDIR', directory)
  onTestFinished(() => void vi.unstubAllEnvs())
  const archive = new Archive(backups)
  await mkdir(archive.wal, { recursive: true })
  await writeFile(join(archive.wal, 'segment'), 'encrypted before')

  const repository = `sftp://${userInfo().username}@127.0.0.1:${String(port)}/${join(directory, 'elsewhere')}`
  const s3 = { id: 'id', key: Secret.of('the key of a bucket') }
  const offSite = { repository, password: Secret.of(PASSWORD), s3 }
  await copyOffSite(archive, offSite, 15 * DAY_MS)
  await writeFile(join(archive.wal, 'next'), 'encrypted later')
  await copyOffSite(archive, offSite, 15 * DAY_MS)

  const variables = await readFile(join(directory, 'variables'), 'utf8')
  expect(variables).toContain('RESTIC_PASSWORD_FILE=')
  expect(variables).toContain('AWS_SHARED_CREDENTIALS_FILE=')
  for (const secret of [PASSWORD, 'the key of a bucket']) expect(variables).not.toContain(secret)
  expect((await readdir(directory)).filter((name) => name.startsWith('sealpost-restic-'))).toEqual([])

  const restic = (...args: readonly string[]) =>
    run('restic', ['--no-cache', ...args], {
      env: { ...process.env, RESTIC_REPOSITORY: repository, RESTIC_PASSWORD: PASSWORD },
    })
  expect(JSON.parse((await restic('snapshots', '--json')).stdout)).toHaveLength(2)
  await restic('restore', 'latest', '--target', copy)
  expect(await readFile(join(copy, 'wal/segment'), 'utf8')).toBe('encrypted before')
  expect(await readFile(join(copy, 'wal/next'), 'utf8')).toBe('encrypted later')

  const wrong = { ...offSite, password: Secret.of('another') }
  await expect(copyOffSite(archive, wrong, 15 * DAY_MS)).rejects.toMatchObject({ code: 'BACKUP_OFF_SITE' })
})
