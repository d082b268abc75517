/** docker-compose.yml by the published schema of the Compose specification, which Debian's docker-compose brings, in every profile. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const cwd = join(import.meta.dirname, '../..')
const env = { PATH: process.env['PATH'], SEALPOST_DOMAIN: 'example.org' }
const compose = (...args: string[]) => promisify(execFile)('docker-compose', args, { cwd, env })

test.each([
  [[]],
  [['backup']],
  [['spam']],
  [['virus']],
  [['observability']],
  [['cluster']],
  [['backup', 'spam', 'virus', 'observability', 'cluster']],
])('with the profiles %j it is valid', async (profiles) => {
  const flags = profiles.flatMap((profile) => ['--profile', profile])
  await expect(compose(...flags, 'config', '--quiet')).resolves.toEqual({ stdout: '', stderr: '' })
})

test('without a domain it says what is missing', async () => {
  const bare = { PATH: process.env['PATH'] }
  const started = promisify(execFile)('docker-compose', ['config', '-q'], { cwd, env: bare })
  await expect(started).rejects.toThrow('say which domain is served')
})
