import { mkdtemp, rm, chmod, cp, readFile, stat } from 'node:fs/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { createTestDatabase } from '../../../../test/database.ts'
import { longTest } from '../../../../test/long-test.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import type { EmbeddedPostgres } from './embedded-postgres.ts'

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-pg-'))
  await chmod(directory, 0o711)
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

function start(directory: string, onCrash?: () => void): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    socketDirectory: join(directory, 'run'),
    clock: systemClock,
    random: systemRandom,
    unsynced: true,
    ...(onCrash === undefined ? {} : { onCrash }),
  })
}

/** A zombie whose parent was killed is not alive, though its number still is. */
async function isAlive(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8').catch(() => '')
  return status !== '' && !/^State:\s+Z/m.test(status)
}

test('a test database is an empty Postgres 18, and is dropped', async () => {
  await using server = await openDb({ url: inject('databaseUrl') })
  const database = await createTestDatabase()
  await using db = await openDb({ url: database.url })
  const [version] = await db.query<{ server_version_num: string }>(sql`show server_version_num`)
  expect(version?.server_version_num).toMatch(/^18/)
  await database[Symbol.asyncDispose]()
  const name = new URL(database.url).pathname.slice(1)
  expect(await server.query(sql`select 1 from pg_database where datname = ${name}`)).toEqual([])
})

test('what was committed survives kill -9 of Postgres, which comes back by itself at the same address', async () => {
  const directory = await makeDirectory()
  const onCrash = vi.fn<() => void>()
  await using postgres = await start(directory, onCrash)
  await using db = await openDb({ url: postgres.url })
  await db.execute(sql`create table kept (n int)`)
  await db.execute(sql`insert into kept values (1)`)
  const before = postgres.pid
  process.kill(before, 'SIGKILL')
  const patience = { timeout: 45_000, interval: 50 }
  await vi.waitFor(() => expect(postgres.pid).not.toBe(before), patience)
  await vi.waitFor(async () => expect(await db.query(sql`select n from kept`)).toEqual([{ n: 1 }]), patience)
  expect(onCrash).toHaveBeenCalledOnce()
})

test('a postmaster left by a killed Sealpost is stopped and replaced', async () => {
  const directory = await makeDirectory()
  const script = `
    import { startEmbeddedPostgres } from '@sealpost/dev-env'
    import { systemClock, systemRandom } from '@sealpost/runtime'
    const postgres = await startEmbeddedPostgres({
      directory: '${directory}/postgres', socketDirectory: '${directory}/run', clock: systemClock, random: systemRandom, unsynced: true,
    })
    console.log(postgres.pid)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const orphan = Number(line.toString())
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await isAlive(orphan)).toBe(true)
  await using postgres = await start(directory)
  expect(await isAlive(orphan)).toBe(false)
  await using db = await openDb({ url: postgres.url })
  expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
})

longTest('a stopped cluster can be copied and started elsewhere, with its password', async () => {
  const [from, to] = [await makeDirectory(), await makeDirectory()]
  {
    await using postgres = await start(from)
    await using db = await openDb({ url: postgres.url })
    await db.execute(sql`create table kept as select 7 as n`)
  }
  await cp(join(from, 'postgres'), join(to, 'postgres'), { recursive: true })
  await using copy = await start(to)
  await using db = await openDb({ url: copy.url })
  expect(await db.query(sql`select n from kept`)).toEqual([{ n: 7 }])
})

test('the settings keep what is acknowledged and name nobody; the password is closed to others', async () => {
  const directory = await makeDirectory()
  await using postgres = await start(directory)
  await using db = await openDb({ url: postgres.url })
  const rows = await db.query<{ name: string; setting: string }>(sql`select name, setting from pg_settings
    where name in ('fsync', 'synchronous_commit', 'full_page_writes', 'log_statement', 'log_min_duration_statement',
      'log_parameter_max_length', 'log_parameter_max_length_on_error', 'log_min_error_statement', 'listen_addresses', 'data_checksums')`)
  expect(Object.fromEntries(rows.map((row) => [row.name, row.setting]))).toEqual({
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    data_checksums: 'on',
    log_statement: 'none',
    log_min_duration_statement: '-1',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_min_error_statement: 'panic',
    listen_addresses: '',
  })
  const password = join(directory, 'postgres/sealpost.password')
  expect((await stat(password)).mode & 0o777).toBe(0o600)
  expect((await readFile(password, 'utf8')).trim().length).toBeGreaterThanOrEqual(43)
})

test.runIf(process.getuid?.() === 0)('a closed directory above is named in plain words', async () => {
  const directory = await makeDirectory()
  await chmod(directory, 0o700)
  await expect(start(directory)).rejects.toThrow(`may not enter ${directory}:`)
})

test('a path too long for a socket is refused before anything is made', async () => {
  const directory = await makeDirectory()
  const options = { directory: join(directory, 'postgres'), clock: systemClock, random: systemRandom }
  const refused = startEmbeddedPostgres({ ...options, socketDirectory: join(directory, 'r'.repeat(90)) })
  await expect(refused).rejects.toThrow(/bytes too long .* SEALPOST_DATA_DIR/)
})

test('a directory that holds something else is left alone', async () => {
  const directory = await makeDirectory()
  await cp(import.meta.dirname, join(directory, 'postgres'), { recursive: true })
  await expect(start(directory)).rejects.toThrow('holds no database cluster')
  expect(await stat(join(directory, 'postgres/cluster.ts'))).toBeDefined()
})
