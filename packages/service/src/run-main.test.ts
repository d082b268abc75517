import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPostgresBus } from '@sealpost/bus'
import { openDb } from '@sealpost/db'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compiledEnvironment } from '../../../test/compile-cache.ts'
import { createTestDatabase } from '../../../test/database.ts'
import type { TestDatabase } from '../../../test/database.ts'
import { makeCertificate } from '../../http/test/_certificate.ts'

let database: TestDatabase
let dataDir: string

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'sealpost-main-'))
  const { cert, key } = makeCertificate('one.test')
  await mkdir(join(dataDir, 'tls'))
  await writeFile(join(dataDir, 'tls/cert.pem'), cert)
  await writeFile(join(dataDir, 'tls/key.pem'), key)
})

afterAll(async () => {
  await database[Symbol.asyncDispose]()
  await rm(dataDir, { recursive: true })
})

interface Run extends AsyncDisposable {
  readonly output: { out: string; err: string }
  readonly exit: Promise<number | null>
  /** The port of its HTTP listener, once started. */
  started(): Promise<number>
  stop(): void
}

function start(env: Record<string, string>, ...args: string[]): Run {
  const main = new URL('../test/_main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'], ...compiledEnvironment(), ...env },
  })
  const output = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (output.err += chunk.toString()))
  const exit = once(child, 'close').then(([code]) => code as number | null)
  const stop = (): void => void child.kill('SIGTERM')
  return {
    output,
    exit,
    stop,
    started: async () => {
      for (;;) {
        const match = /"event":"started".*?"port":(\d+)|"port":(\d+).*?"event":"started"/.exec(output.err)
        if (match !== null) return Number(match[1] ?? match[2])
        await Promise.race([
          once(child.stderr, 'data'),
          exit.then(() => Promise.reject(new Error(output.err))),
        ])
      }
    },
    [Symbol.asyncDispose]: async () => {
      stop()
      await exit
    },
  }
}

const alone = (): Record<string, string> => ({
  DATABASE_URL: database.url,
  SEALPOST_DATA_DIR: dataDir,
  HTTP_PORT: '0',
  TEST_NAME: 'one',
})

test('a service alone serves its routes and signs of health, hears the bus, and stops cleanly', async () => {
  await using run = start(alone())
  const port = await run.started()
  const get = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${String(port)}${path}`)).text()
  expect(await get('/v1/name')).toBe('{"name":"one"}')
  expect(await get('/readyz')).toBe('ok\n')
  expect(await get('/metrics')).toContain('process_cpu_seconds_total')

  await using db = await openDb({ url: database.url })
  await using bus = await createPostgresBus(db)
  const { promise, resolve } = Promise.withResolvers<{ id: string; by: string }>()
  bus.subscribe('test/answered', resolve)
  await bus.publish('test/asked', { id: '1' })
  expect(await promise).toEqual({ id: '1', by: 'one' })

  const from = performance.now()
  run.stop()
  expect(await run.exit).toBe(0)
  expect(performance.now() - from).toBeLessThan(10_000)
  expect(run.output.err).not.toContain(database.url)
})

test('configuration is checked as a whole: platform, service and rules of a process of its own', async () => {
  const run = start(
    { EVENT_BUS: 'process', TLS_CERT: '/x', LOG_LEVEL: 'loud', HTTP_PORT: 'x' },
    '--check-config',
  )
  expect(await run.exit).toBe(2)
  for (const name of ['DATABASE_URL', 'EVENT_BUS', 'TLS_CERT', 'LOG_LEVEL', 'HTTP_PORT', 'TEST_NAME'])
    expect(run.output.err).toContain(`Configuration: ${name}`)
  const wrong = { SEALPOST_DOMAIN: 'a b', SEALPOST_BIND: 'eth0', DATABASE_URL: 'mysql://user:hunter2@host/x' }
  const values = start({ ...alone(), ...wrong }, '--check-config')
  expect(await values.exit).toBe(2)
  for (const name of Object.keys(wrong)) expect(values.output.err).toContain(`Configuration: ${name} must`)
  expect(values.output.err).not.toContain('hunter2')
  expect(await start(alone(), '--check-config').exit).toBe(0)
})

test('a missing certificate or an unreachable database ends the start with a plain sentence', async () => {
  const noTls = start({ ...alone(), SEALPOST_DATA_DIR: tmpdir() })
  expect(await noTls.exit).toBe(1)
  expect(noTls.output.err).toContain('cannot be read: set TLS_CERT and TLS_KEY (TLS_UNREADABLE)')
  const noDatabase = start({ ...alone(), DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/x' })
  expect(await noDatabase.exit).toBe(1)
  expect(noDatabase.output.err).toContain('The Postgres that DATABASE_URL names cannot be reached')
  expect(noDatabase.output.err).not.toContain('hunter2')
})

test('what cannot be listened on is told by the name of its variable', async () => {
  await using first = start(alone())
  const port = String(await first.started())
  const second = start({ ...alone(), HTTP_PORT: port })
  expect(await second.exit).toBe(1)
  expect(second.output.err).toContain(
    `Cannot start: Port ${port} is taken by another program: stop that one, or choose another HTTP_PORT (EADDRINUSE)`,
  )
  const elsewhere = start({ ...alone(), SEALPOST_BIND: '192.0.2.1' })
  expect(await elsewhere.exit).toBe(1)
  expect(elsewhere.output.err).toContain('SEALPOST_BIND is not an address of this machine')
})
