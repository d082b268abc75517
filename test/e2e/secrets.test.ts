/** Secrets stand in no argument and no variable of any process: the server, its Postgres, its prober, and ctl. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { longTest } from '../long-test.ts'
import { deploy } from './shape.ts'

async function descendants(pid: number): Promise<readonly number[]> {
  const children = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(() => '')
  const below = await Promise.all(children.trim().split(' ').filter(Boolean).map(Number).map(descendants))
  return [pid, ...below.flat()]
}

/** What others on the machine, or of the same user, can read of a process. */
async function shown(pid: number): Promise<string> {
  const parts = ['cmdline', 'environ'].map((name) =>
    readFile(`/proc/${String(pid)}/${name}`, 'latin1').catch(() => ''),
  )
  return (await Promise.all(parts)).join('\0')
}

/** A dump of the core of any of them would hold memory. */
async function expectNoDumps(pids: readonly number[]): Promise<void> {
  const filters = pids.map((pid) => readFile(`/proc/${String(pid)}/coredump_filter`, 'utf8'))
  const kept = (await Promise.all(filters)).map((filter) => Number.parseInt(filter, 16))
  expect(kept).toEqual(pids.map(() => 0))
}

test('neither the password of the database nor a secret given by file is shown by any process', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-secrets-'))
  const secret = 'turn-secret-0123456789abcdefghij'
  const file = join(directory, 'turn')
  await writeFile(file, secret, { mode: 0o600 })
  const env = { TURN_SECRET_FILE: file, TURN_URIS: 'turn:127.0.0.1:3478', STATUS_PROBER: 'child' }
  {
    await using running = await deploy('all-in-one', { env })
    const { deployment } = running
    const made = await deployment.ctl(
      ['account', 'create', 'alice@localhost', '--password-stdin'],
      'a password\n',
    )
    expect(made.code).toBe(0)
    const password = decodeURIComponent(new URL(await deployment.databaseUrl()).password)
    expect(password.length).toBeGreaterThan(16)
    const pids = await descendants(deployment.pids['all'] ?? 0)
    expect(pids.length).toBeGreaterThan(1)
    const texts = await Promise.all(pids.map(shown))
    expect(texts.some((text) => text.includes('TURN_SECRET_FILE'))).toBe(true)
    expect(texts.filter((text) => text.includes(password) || text.includes(secret))).toEqual([])
    await expectNoDumps(pids)
  }
  await rm(directory, { recursive: true })
})

longTest(
  'no dump of the core of any of four processes, or of what they start, would hold memory',
  async () => {
    await using running = await deploy('four-processes')
    const services = Object.values(running.deployment.pids)
    expect(services).toHaveLength(4)
    await expectNoDumps((await Promise.all(services.map(descendants))).flat())
  },
)
