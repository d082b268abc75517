/** The weekly copy of backups elsewhere, by Debian's restic to Debian's OpenSSH over SFTP and to Debian's OpenStack Swift over S3: it is whole, and its secrets stand in no variable. */
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Archive, makeIdentity } from '@sealpost/backup'
import { Secret } from '@sealpost/config'
import { Deployment } from '@sealpost/dev-env'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { copyOffSite } from '../../packages/dev-env/src/backup/restic.ts'
import { namedInLog } from '../named-in-log.ts'
import { startSshd } from './sshd.ts'
import { startSwift, type Swift } from './swift.ts'

const run = promisify(execFile)
const DAY_MS = 86_400_000
const PASSWORD = 'far away'

/** Where a copy goes, with the programs that find their way there. */
interface Target {
  readonly repository: string
  readonly s3: { readonly id: string; readonly key: string }
}

let swift: Swift
let swiftDirectory: string
beforeAll(async () => {
  swiftDirectory = await mkdtemp(join(tmpdir(), 'sealpost-swift-'))
  swift = await startSwift(swiftDirectory)
})
afterAll(async () => {
  await swift[Symbol.asyncDispose]()
  await rm(swiftDirectory, { recursive: true, force: true })
})

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-off-site-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  await mkdir(join(directory, 'bin'))
  vi.stubEnv('PATH', `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  return directory
}

/** A program of this name, found before the real one. */
async function wrap(directory: string, name: string, line: string): Promise<void> {
  const { stdout } = await run('which', ['-a', name])
  const real = stdout.split('\n').find((path) => !path.startsWith(directory)) ?? ''
  await writeFile(join(directory, 'bin', name), `#!/bin/sh\n${line.replace('REAL', real)} "$@"\n`)
  await chmod(join(directory, 'bin', name), 0o700)
}

/** What restic was started with is in the file `variables`. */
const NOTED = (directory: string): string => `env >> ${join(directory, 'variables')}`

async function overSftp(directory: string): Promise<Target> {
  const sshd = await startSshd(directory)
  onTestFinished(() => sshd[Symbol.asyncDispose]())
  await wrap(directory, 'ssh', `exec REAL -F ${sshd.clientFile}`)
  await wrap(directory, 'restic', `${NOTED(directory)}; exec REAL`)
  const host = `${userInfo().username}@127.0.0.1:${String(sshd.port)}`
  return {
    repository: `sftp://${host}/${join(directory, 'elsewhere')}`,
    s3: { id: 'id', key: 'the-key-of-a-bucket' },
  }
}

/** The authority is trusted as one that an operator has added to the system's. */
async function overS3(directory: string): Promise<Target> {
  await wrap(directory, 'restic', `${NOTED(directory)}; SSL_CERT_FILE=${swift.caFile} exec REAL`)
  const { url, id, key } = swift
  return { repository: `s3:${url}/bucket-${String(process.hrtime.bigint())}`, s3: { id, key } }
}

/** As an operator calls it. */
async function restic({ repository, s3 }: Target, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run('restic', ['--no-cache', ...args], {
    env: {
      ...process.env,
      RESTIC_REPOSITORY: repository,
      RESTIC_PASSWORD: PASSWORD,
      AWS_ACCESS_KEY_ID: s3.id,
      AWS_SECRET_ACCESS_KEY: s3.key,
    },
  })
  return stdout
}

describe.each([
  ['SFTP', overSftp],
  ['S3', overS3],
] as const)('over %s', (_name, open) => {
  test('a copy is whole, and made twice is one more snapshot', async () => {
    const directory = await makeDirectory()
    const target = await open(directory)
    const [backups, copy] = [join(directory, 'backups'), join(directory, 'copy')]
    vi.stubEnv('TMPDIR', directory)
    const archive = new Archive(backups)
    await mkdir(archive.wal, { recursive: true })
    await writeFile(join(archive.wal, 'segment'), 'encrypted before')

    const { repository } = target
    const s3 = { id: target.s3.id, key: Secret.of(target.s3.key) }
    const offSite = { repository, password: Secret.of(PASSWORD), s3 }
    await copyOffSite(archive, offSite, 15 * DAY_MS)
    await writeFile(join(archive.wal, 'next'), 'encrypted later')
    await copyOffSite(archive, offSite, 15 * DAY_MS)

    const variables = await readFile(join(directory, 'variables'), 'utf8')
    expect(variables).toContain('RESTIC_PASSWORD_FILE=')
    expect(variables).toContain('AWS_SHARED_CREDENTIALS_FILE=')
    for (const secret of [PASSWORD, target.s3.key]) expect(variables).not.toContain(secret)
    expect((await readdir(directory)).filter((name) => name.startsWith('sealpost-restic-'))).toEqual([])

    expect(JSON.parse(await restic(target, 'snapshots', '--json'))).toHaveLength(2)
    await restic(target, 'restore', 'latest', '--target', copy)
    expect(await readFile(join(copy, 'wal/segment'), 'utf8')).toBe('encrypted before')
    expect(await readFile(join(copy, 'wal/next'), 'utf8')).toBe('encrypted later')

    const wrong = { ...offSite, password: Secret.of('another') }
    await expect(copyOffSite(archive, wrong, 15 * DAY_MS)).rejects.toMatchObject({ code: 'BACKUP_OFF_SITE' })
  })

  test('a server that is lost with its backups is restored from the copy', async () => {
    const directory = await makeDirectory()
    const target = await open(directory)
    const [dataDir, backups, key, copy] = ['data', 'backups', 'key', 'copy'].map((name) =>
      join(directory, name),
    ) as [string, string, string, string]
    const { identity, recipient } = makeIdentity()
    await writeFile(key, identity, { mode: 0o600 })
    await chmod(directory, 0o711) // Postgres is another user, as root.
    const kept = { BACKUP_DIR: backups, BACKUP_RECIPIENTS: recipient }
    const elsewhere = {
      BACKUP_RESTIC_REPOSITORY: target.repository,
      BACKUP_RESTIC_PASSWORD: PASSWORD,
      BACKUP_S3_KEY_ID: target.s3.id,
      BACKUP_S3_KEY: target.s3.key,
    }
    const start = async (place: string, env: Readonly<Record<string, string>>): Promise<Deployment> => {
      const server = await Deployment.start({ shape: 'all-in-one', dataDir: place, env })
      onTestFinished(async () => {
        await server.stop()
        expect(namedInLog(server.output)).toEqual([])
      })
      return server
    }
    const before = await start(dataDir, kept)
    const account = ['account', 'create', 'alice@localhost', '--password-stdin']
    expect(await before.ctl(account, 'open sesame\n')).toMatchObject({ code: 0 })
    const backUp = async (): Promise<string> => (await before.ctl(['backup', 'run'])).output
    await expect.poll(backUp, { timeout: 30_000 }).toMatch(/^Base backup \d{8}T\d{6}Z: \d+ files/)
    await before.stop()

    const server = await start(dataDir, { ...kept, ...elsewhere })
    const copied = async (): Promise<string> =>
      (await fetch(server.url('api', '/metrics'))).text().then((text) => text.replaceAll('\n', ' '))
    await expect.poll(copied, { timeout: 30_000 }).toMatch(/ backup_last_copied_timestamp_seconds [1-9]\d+/)
    await server.kill()
    await rm(dataDir, { recursive: true })
    await rm(backups, { recursive: true })

    await mkdir(copy, { mode: 0o711 })
    await restic(target, 'restore', 'latest', '--target', copy)
    const from = ['--from', copy, '--identity', key]
    const verified = await server.ctl(['backup', 'verify', '--from', copy])
    expect(verified.output).toMatch(/^(?:\d{8}T\d{6}Z whole\n?)+$/)
    if (process.getuid?.() === 0) {
      await chmod(copy, 0o700) // as restic makes it
      const closed = await server.ctl(['backup', 'restore', '--data-dir', dataDir, ...from])
      expect(closed.output).toContain(`chmod o+x ${copy}`)
      await chmod(copy, 0o711)
    }
    const restored = await server.ctl(['backup', 'restore', '--data-dir', dataDir, ...from])
    expect(restored.output).toContain('Restored ')
    expect(await server.ctl(['keyring', 'reset', '--data-dir', dataDir])).toMatchObject({ code: 0 })
    const again = await start(dataDir, {})
    expect((await again.ctl(['account', 'show', 'alice@localhost'])).code).toBe(0)
  }, 240_000)
})
