/** What the stack has that its services alone have not: the edge, logins, users, certificates that change, mailboxes and calls. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { connect, type TLSSocket } from 'node:tls'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeIdentity } from '@sealpost/backup'
import { openDb, openSession, sql } from '@sealpost/db'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { SmtpClient } from '../../services/smtp/test/smtp-client.ts'
import { namedInLog } from '../named-in-log.ts'
import { newestMigration } from '../newest-migration.ts'
import { ROOT } from './compose-file.ts'
import { beginAsNewcomer } from './newcomer.ts'
import { EICAR, OTHER_SERVICES, Stack } from './stack.ts'

let stack: Stack
beforeAll(async () => (stack = await Stack.start({ profiles: true })))
afterAll(async () => {
  await stack[Symbol.asyncDispose]()
  expect(namedInLog(stack.output)).toEqual([])
})

async function open(port: number, servername = 'localhost'): Promise<TLSSocket> {
  const ca = await readFile(stack.caFile)
  const socket = connect({ port, host: '127.0.0.1', servername, ca })
  await once(socket, 'secureConnect')
  return socket
}

async function shown(port: number, servername?: string): Promise<string> {
  const socket = await open(port, servername)
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

const fingerprintOf = async (name: string): Promise<string> =>
  new X509Certificate(await readFile(stack.certificateFile(name))).fingerprint256

test('the first start prints the link of the first administrator, and what DNS needs is told; a first message arrives', () =>
  beginAsNewcomer(stack))

test('the edge sends each path to its service, and shows nothing of the inside', async () => {
  const get = async (path: string): Promise<[number, string]> => {
    const answer = await fetch(`https://localhost:${String(stack.ports.https)}${path}`)
    return [answer.status, await answer.text()]
  }
  for (const path of ['/metrics', '/internal/relay/accounts']) expect((await get(path))[0]).toBe(404)
  expect(await get('/.well-known/host-meta')).toEqual([200, expect.stringContaining('wss://localhost')])
  expect((await get('/v1/mail'))[0]).toBe(401)
  expect((await get('/v1/me/keys'))[0]).toBe(401)
  expect((await get('/keys'))[0]).toBe(200)
  expect((await get('/admin'))[0]).toBeLessThan(400)
  expect((await get('/v1/openapi.json'))[0]).toBe(200)
})

test('the edge sends openpgpkey. and HKP to the key directory, and nothing else of them', async () => {
  const get = async (path: string): Promise<number | undefined> => {
    const name = 'openpgpkey.localhost'
    const asked = request({
      host: '127.0.0.1',
      port: stack.ports.https,
      servername: name,
      path,
      headers: { host: name },
    })
    asked.end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }
  expect(await get('/.well-known/openpgpkey/localhost/policy')).toBe(200)
  expect(await get('/v1/openapi.json')).toBe(404)
  const hkp = `http://127.0.0.1:${String(stack.other.edgeHkp)}`
  const lookup = await fetch(`${hkp}/pks/lookup?op=get&search=0x${'ab'.repeat(20)}`)
  expect([lookup.status, await lookup.text()]).toEqual([404, 'No such key\n'])
  expect((await fetch(`${hkp}/v1/openapi.json`)).status).toBe(404)
  const front = await fetch(hkp, { redirect: 'manual' })
  expect([front.status, front.headers.get('location')]).toEqual([302, 'https://localhost/keys'])
})

test('every service has its own certificate of the edge', async () => {
  const own = await fingerprintOf('localhost')
  for (const port of [stack.ports.https, stack.ports.xmpps, stack.ports.submissions, stack.other.imaps])
    expect(await shown(port)).toBe(own)
  expect(await shown(stack.other.turns, 'turn.localhost')).toBe(await fingerprintOf('turn.localhost'))
})

test('our services are no root, have no capability, and gain none', async () => {
  for (const pid of Object.values(stack.pids)) {
    const status = await readFile(`/proc/${String(pid)}/status`, 'utf8')
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m)
    for (const set of ['CapPrm', 'CapEff', 'CapBnd'])
      expect(status).toMatch(new RegExp(`^${set}:\\t0+$`, 'm'))
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    expect(await readFile(`/proc/${String(pid)}/cmdline`, 'utf8')).not.toMatch(/[0-9a-f]{32}/)
    expect(await readFile(`/proc/${String(pid)}/environ`, 'utf8')).not.toMatch(/[0-9a-f]{64}/)
  }
})

test.each(OTHER_SERVICES)('%s gives its sign of health, as compose asks for it', async (service) =>
  expect(await stack.isHealthy(service)).toBe(true),
)

test('the services tell each other over NATS: a suspension ends the stream', async () => {
  const monitor = `http://127.0.0.1:${String(stack.other.natsHealth)}/varz`
  const figures = async () =>
    (await (await fetch(monitor)).json()) as { connections: number; in_msgs: number }
  const before = await figures()
  expect(before.connections).toBe(4)
  await stack.ctl(['account', 'create', 'nat@localhost', '--password-stdin'], 'secret\n')
  await using nat = await TestClient.signIn({ port: stack.ports.xmpp, username: 'nat', password: 'secret' })
  await stack.ctl(['account', 'suspend', 'nat@localhost', '--reason', 'tried'])
  await nat.ended()
  expect((await figures()).in_msgs).toBeGreaterThan(before.in_msgs)
})

test('a service cannot take on the role of another', async () => {
  const url = (await stack.secret('keys', 'database-url')).trim()
  await expect(openDb({ url, role: 'sealpost_xmpp' })).rejects.toThrow()
  await using db = await openDb({ url, role: 'sealpost_keys' })
  expect(db).toBeDefined()
})

test('whoever has an account signs in to the mailbox, by its password', async () => {
  await stack.ctl(['account', 'create', 'alice@localhost', '--password-stdin'], 'secret\n')
  const signIn = async (password: string): Promise<string> => {
    const socket = await open(stack.other.imaps)
    let said = ''
    socket.on('data', (chunk: Buffer) => (said += chunk.toString()))
    socket.write(`a LOGIN alice@localhost ${password}\r\n`)
    await expect.poll(() => said).toMatch(/^a (OK|NO)/m)
    socket.destroy()
    return /^a (OK|NO)/m.exec(said)?.[1] ?? ''
  }
  expect(await signIn('secret')).toBe('OK')
  expect(await signIn('wrong')).toBe('NO')
})

test('rspamd and ClamAV look at mail, by the files that are shipped', async () => {
  const gtube = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'
  const hand = async (from: string, body: string): Promise<string> => {
    await stack.ctl(['account', 'create', `${from}@localhost`, '--password-stdin'], 'secret\n')
    using client = await SmtpClient.connect(stack.ports.submissions, {
      ca: await readFile(stack.caFile, 'utf8'),
    })
    await client.ask()
    await client.ask('EHLO client.example')
    await client.ask(`AUTH PLAIN ${Buffer.from(`\0${from}@localhost\0secret`).toString('base64')}`)
    await client.ask(`MAIL FROM:<${from}@localhost>`)
    await client.ask('RCPT TO:<alice@localhost>')
    await client.ask('DATA')
    client.send(`From: <${from}@localhost>\r\nSubject: x\r\n\r\n${body}\r\n`)
    let reply = await client.ask('.')
    // It asks DNS, which leads nowhere here.
    for (let tries = 0; tries < 6 && reply === 'closed after '; tries++) reply = await client.ask()
    return reply
  }
  expect(await hand('ann', 'Nothing in it.')).toMatch(/^250 /)
  // Whoever sends such mail is suspended, which ends the session, before or after the reply.
  expect(await hand('mallory', EICAR)).toMatch(
    /^(?:550 5\.7\.1 The mail contains malware|421 4\.7\.0 The account was suspended)/,
  )
  expect(await hand('trudy', gtube)).toMatch(
    /^(?:550 5\.7\.1 The mail is taken for spam|421 4\.7\.0 The account was suspended)/,
  )
  for (const name of ['mallory', 'trudy'])
    expect((await stack.ctl(['account', 'show', `${name}@localhost`])).output).toMatch(/suspended/)
}, 60_000)

test('a prober outside sees every part, and the status page says so', async () => {
  const { output } = await stack.ctl(['apikey', 'create', '--scope', 'status:probe'])
  await using _ = await stack.startProber(output.trim().split('\n').at(-1) ?? '')
  const seen = async (): Promise<Record<string, string>> => {
    const answer = await fetch(`https://localhost:${String(stack.ports.https)}/v1/status`)
    const { components } = (await answer.json()) as { components: { id: string; state: string }[] }
    return Object.fromEntries(components.map(({ id, state }) => [id, state]))
  }
  const all = { chat: 'up', voice: 'up', mail: 'up', keys: 'up', api: 'up' }
  await expect.poll(seen, { timeout: 45_000, interval: 1_000 }).toEqual(all)
}, 60_000)

test('a certificate that changes is taken up, and no stream is dropped', async () => {
  await using alice = await TestClient.signIn({
    port: stack.ports.xmpp,
    username: 'alice',
    password: 'secret',
  })
  const [from, to] = [stack.certificateFile('xmpp.localhost'), stack.certificateFile('localhost')]
  const key = (file: string): string => file.replace(/crt$/, 'key')
  await copyFile(key(from), key(to))
  await copyFile(from, to)
  const now = async (): Promise<string> => {
    const socket = connect({ port: stack.ports.xmpps, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  await expect.poll(now).toBe(await fingerprintOf('xmpp.localhost'))
  const pong = await alice.request('get', `<ping xmlns='urn:xmpp:ping'/>`, 'localhost')
  expect(pong.attrs['type']).toBe('result')
})

describe('backups', () => {
  const { recipient } = makeIdentity()
  const figure = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${String(stack.other.backup)}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? -1)
  }
  const create = async (name: string): Promise<void> =>
    expect(
      await stack.ctl(['account', 'create', `${name}@localhost`, '--password-stdin'], 'secret\n'),
    ).toMatchObject({ code: 0 })
  /** All that was committed is in the archive when this returns. */
  const archiveNow = async (): Promise<void> => {
    await using session = await openSession(await stack.databaseUrl())
    await session.query(sql`select pg_logical_emit_message(true, 'test', 'something to archive')`)
    const [row] = await session.query<{ end: string }>(sql`select pg_switch_wal()::text as end`)
    const confirmed = sql`
      select restart_lsn >= ${row?.end ?? ''}::pg_lsn as is from pg_replication_slots where slot_name = 'sealpost_backup'`
    await expect.poll(() => session.query(confirmed), { timeout: 30_000 }).toEqual([{ is: true }])
  }

  test('begin with a base and its drill, over replication alone', async () => {
    await stack.startBackups(recipient)
    await expect
      .poll(() => figure('backup_last_verified_timestamp_seconds'), { timeout: 120_000, interval: 500 })
      .toBeGreaterThan(0)
    expect(await figure('backup_log_failing')).toBe(0)
    const { output } = await stack.ctl(['audit', 'list', '--json'])
    for (const action of ['backup.run', 'backup.verify']) expect(output).toContain(action)
  }, 150_000)

  test('their login copies, adds to the audit log, and can do nothing else', async () => {
    await using db = await openDb({ url: (await stack.secret('backup', 'database-url')).trim() })
    const refused = { code: '42501' }
    await expect(db.query(sql`select * from account.account`)).rejects.toMatchObject(refused)
    await expect(db.execute(sql`delete from audit.entry`)).rejects.toMatchObject(refused)
    await expect(db.execute(sql`set role sealpost_api`)).rejects.toMatchObject(refused)
  })

  test('go on after kill -9 where they were, and are restored to a moment', async () => {
    const key = join(stack.dataDir, '../secrets/backup/identity') // that of its drills
    await create('before')
    await stack.kill('backup')
    await create('between')
    const moment = new Date().toISOString()
    await create('after')
    await stack.startBackups(recipient)
    await archiveNow()
    expect((await stack.backupCtl(['backup', 'verify'])).output).toMatch(/^(?:\d{8}T\d{6}Z whole\n?)+$/)
    const dataDir = join(stack.dataDir, '../tmp/restored')
    const where = ['--data-dir', dataDir, '--identity', key, '--at', moment]
    const restored = await stack.backupCtl(['backup', 'restore', ...where])
    expect(restored).toMatchObject({ code: 0 })
    await using again = await stack.startRestored(join(dataDir, 'postgres'))
    await using session = await openSession(again.url)
    const names = sql`select localpart as name from account.account where localpart in ('before', 'between', 'after')`
    expect((await session.query<{ name: string }>(names)).map(({ name }) => name).toSorted()).toEqual([
      'before',
      'between',
    ])
  }, 120_000)

  test('begin an upgrade that changes the database, also when it then fails', async () => {
    const bases = async (): Promise<number> =>
      (await readdir(join(stack.dataDir, '../backups/base'))).filter((name) => !name.startsWith('.')).length
    const before = await bases()
    await using session = await openSession(await stack.databaseUrl())
    await session.execute(newestMigration.forget)
    await expect(stack.migrate(recipient)).rejects.toThrow('already exists')
    expect(await bases()).toBe(before + 1)

    await session.execute(newestMigration.undo)
    await stack.migrate(recipient)
    expect(await bases()).toBe(before + 2)
    expect((await stack.backupCtl(['backup', 'verify'])).output).toMatch(/^(?:\d{8}T\d{6}Z whole\n?)+$/)
    await stack.migrate(recipient)
    expect(await bases()).toBe(before + 2)
  }, 120_000)

  test('begin anew with a base when Postgres could not keep the log for them any longer', async () => {
    const before = await figure('backup_last_base_timestamp_seconds')
    await stack.kill('backup')
    await using session = await openSession(await stack.databaseUrl())
    await session.execute(sql`alter system set max_slot_wal_keep_size = '16MB'`)
    await session.execute(sql`select pg_reload_conf()`)
    for (let segment = 0; segment < 4; segment++) {
      await session.execute(sql`select pg_logical_emit_message(true, 'test', repeat('x', 1000000))`)
      await session.execute(sql`select pg_switch_wal()`)
    }
    await session.execute(sql`checkpoint`)
    const lost = sql`select wal_status from pg_replication_slots where slot_name = 'sealpost_backup'`
    expect(await session.query(lost)).toEqual([{ wal_status: 'lost' }])
    await stack.startBackups(recipient)
    const base = () => figure('backup_last_base_timestamp_seconds')
    await expect.poll(base, { timeout: 60_000, interval: 500 }).toBeGreaterThan(before)
    expect(await figure('backup_log_failing')).toBe(0)
  }, 120_000)
})

describe('Prometheus', () => {
  const ask = async <T>(path: string): Promise<T> =>
    (
      (await (await fetch(`http://127.0.0.1:${String(stack.other.prometheus)}/api/v1/${path}`)).json()) as {
        data: T
      }
    ).data

  test('gets the figures of all five processes', async () => {
    type Targets = {
      readonly activeTargets: readonly { readonly scrapeUrl: string; readonly health: string }[]
    }
    const targets = async (): Promise<readonly string[]> =>
      (await ask<Targets>('targets')).activeTargets
        .map(({ scrapeUrl, health }) => `${scrapeUrl} ${health}`)
        .toSorted()
    const ports = [...Object.values(stack.ports.http), stack.other.backup]
    const all = ports.map((port) => `http://127.0.0.1:${String(port)}/metrics up`).toSorted()
    await expect.poll(targets, { timeout: 30_000, interval: 500 }).toEqual(all)
  })

  test('has read every rule, and nothing is wrong with one', async () => {
    type Groups = {
      readonly groups: readonly {
        readonly rules: readonly { readonly name: string; readonly lastError?: string }[]
      }[]
    }
    const rules = (await ask<Groups>('rules')).groups.flatMap((group) => group.rules)
    const text = await readFile(join(ROOT, 'infra/prometheus/rules/sealpost.yml'), 'utf8')
    expect(rules.map(({ name }) => name)).toEqual(
      [...text.matchAll(/- alert: (\w+)/g)].map(([, name]) => name),
    )
    expect(rules.filter(({ lastError }) => lastError !== undefined)).toEqual([])
  })

  test('knows the Alertmanager', async () => {
    type Managers = { readonly activeAlertmanagers: readonly { readonly url: string }[] }
    const own = `http://127.0.0.1:${String(stack.other.alertmanager)}/api/v2/alerts`
    expect((await ask<Managers>('alertmanagers')).activeAlertmanagers).toEqual([{ url: own }])
  })
})
