/** The weekly copy by a program that only says what it was given: which secrets, and what is left of them. test/interop/off-site.test.ts has the real one. */
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Archive } from '@sealpost/backup'
import { defineConfig, Secret } from '@sealpost/config'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readBackupConfig } from './config.ts'
import { copyOffSite } from './restic.ts'

test('secrets are gone when the copy is made, also those of a process that was killed; those of one that runs stay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'restic-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const [temporary, said] = [join(directory, 'tmp'), join(directory, 'said')]
  const program = `#!/bin/sh\ncat "$RESTIC_PASSWORD_FILE" "$AWS_SHARED_CREDENTIALS_FILE" > ${said}\nexit $(cat ${directory}/status)\n`
  await writeFile(join(directory, 'restic'), program, { mode: 0o700 })
  await writeFile(join(directory, 'status'), '0')
  const dead = spawnSync('true').pid
  const names = [`${String(process.ppid)}-lives`, `${String(dead)}-dead`, `${String(process.pid)}-before`]
  for (const name of names) await mkdir(join(temporary, `sealpost-restic-${name}`), { recursive: true })
  vi.stubEnv('PATH', `${directory}:${process.env['PATH'] ?? ''}`)
  vi.stubEnv('TMPDIR', temporary)
  onTestFinished(() => void vi.unstubAllEnvs())

  const s3 = { id: 'me', key: Secret.of('of+the/bucket=') }
  const offSite = { repository: 's3:https://s3.example/b', password: Secret.of('far away'), s3 }
  await copyOffSite(new Archive(directory), offSite, 86_400_000)
  const credentials = '[default]\naws_access_key_id = me\naws_secret_access_key = of+the/bucket=\n'
  expect(await readFile(said, 'utf8')).toBe(`far away${credentials}`)
  const left = [`sealpost-restic-${String(process.ppid)}-lives`]
  expect(await readdir(temporary)).toEqual(left)
  await writeFile(join(directory, 'status'), '1')
  const failed = copyOffSite(new Archive(directory), offSite, 86_400_000)
  await expect(failed).rejects.toMatchObject({ code: 'BACKUP_OFF_SITE' })
  expect(await readdir(temporary)).toEqual(left)
})

test.each(['a#b', 'a;b', '"a"', 'a`b', 'a b'])(
  'an S3 key that its file would not hold as it is, is refused: %s',
  (key) => {
    const env = { BACKUP_S3_KEY_ID: 'me', BACKUP_S3_KEY: key }
    const problems = ['BACKUP_S3_KEY must be without spaces, #, ;, " and backquotes']
    expect(() => defineConfig(env, readBackupConfig)).toThrow(expect.objectContaining({ problems }))
  },
)
