import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDb, sql } from '@sealpost/db'
import { expect, test } from 'vitest'
import { compiledEnvironment } from '../test/compile-cache.ts'
import { createTestDatabase } from '../test/database.ts'

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(env: Record<string, string>, ...args: string[]): Promise<Result> {
  const child = spawn(process.execPath, [new URL('migrate.ts', import.meta.url).pathname, ...args], {
    env: { ...compiledEnvironment(), ...env },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

test('three processes at once bring an empty database up to date; a fourth finds nothing to do', async () => {
  await using database = await createTestDatabase()
  const env = { DATABASE_URL: database.url }
  const results = [...(await Promise.all([run(env), run(env), run(env)])), await run(env)]
  for (const result of results) {
    expect(result).toMatchObject({ code: 0, err: '' })
    expect(result.out).toMatch(/^Up to date: account, xmpp/)
  }
  await using db = await openDb({ url: database.url, role: 'sealpost_xmpp' })
  const [row] = await db.query<{ twice: number }>(
    sql`select count(*) - count(distinct name) as twice from xmpp.migration`,
  )
  expect(row?.twice).toBe(0)
})

test('a dry run names what has not run, and changes nothing', async () => {
  await using database = await createTestDatabase()
  const env = { DATABASE_URL: database.url }
  const all = (await run(env, '--dry-run')).out.trim().split('\n')
  expect(all[0]).toMatch(/^account\/\d{4}_/)
  expect(all.length).toBeGreaterThan(50)
  expect((await run(env, '--dry-run')).out.trim().split('\n')).toEqual(all)
  await run(env)
  expect((await run(env, '--dry-run')).out).toBe('Nothing to migrate\n')
  await using db = await openDb({ url: database.url, role: 'sealpost_api' })
  const newest = all.filter((name) => name.startsWith('api/')).at(-1) ?? ''
  await db.execute(sql`delete from api.migration where name = ${newest.replace('api/', '')}`)
  expect((await run(env, '--dry-run')).out).toBe(`${newest}\n`)
})

test('usage and configuration are told apart from failure', async () => {
  expect(await run({}, '--help')).toMatchObject({ code: 0, err: '' })
  expect(await run({}, '--sideways')).toMatchObject({ code: 2, out: '' })
  expect(await run({})).toMatchObject({ code: 2, err: 'DATABASE_URL or DATABASE_URL_FILE must be set\n' })
  const away = await run({ DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/x' })
  expect(away.code).toBe(1)
  expect(away.err).toBe('The Postgres that DATABASE_URL names cannot be reached (ECONNREFUSED)\n')
  expect(away.err).not.toContain('hunter2')
})

test('each service gets a login that takes on the roles of its own data only, and Dovecot one that reads three views', async () => {
  await using database = await createTestDatabase()
  const directory = await mkdtemp(join(tmpdir(), 'logins-'))
  const names = ['xmpp', 'keys', 'smtp', 'api', 'backup', 'dovecot']
  for (const name of names) await writeFile(join(directory, name), `it's ${name}\n`)
  const env = { DATABASE_URL: database.url }
  expect(await run(env, '--logins', directory)).toMatchObject({ code: 0, err: '' })
  expect(await run(env, '--logins', directory)).toMatchObject({ code: 0, err: '' })
  await rm(directory, { recursive: true })

  const urlOf = (user: string, password: string): string => {
    const url = new URL(database.url)
    url.username = user
    url.password = encodeURIComponent(password)
    return url.href
  }
  const xmpp = urlOf('sealpost_xmpp_login', "it's xmpp")
  await using own = await openDb({ url: xmpp, role: 'sealpost_xmpp' })
  expect(await own.query(sql`select count(*)::int as sealed from xmpp.sealed`)).toEqual([{ sealed: 0 }])
  await expect(openDb({ url: xmpp, role: 'sealpost_keys' })).rejects.toThrow()
  await using bare = await openDb({ url: xmpp })
  await expect(bare.query(sql`select 1 from xmpp.sealed`)).rejects.toMatchObject({ code: '42501' })

  await using dovecot = await openDb({ url: urlOf('sealpost_dovecot', "it's dovecot") })
  expect(await dovecot.query(sql`select * from account.mail_sign_in`)).toEqual([])
  await expect(dovecot.query(sql`select 1 from account.account`)).rejects.toMatchObject({ code: '42501' })
})
