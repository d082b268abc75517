/** Backups of `npm start`: taken while it runs, restored elsewhere to a moment, and what is in them. */
import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeIdentity } from '@sealpost/backup'
import { openDb, openSession, sql } from '@sealpost/db'
import { Deployment, startEmbeddedPostgres } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { migrateAll } from '@sealpost/service'
import { expect, onTestFinished } from 'vitest'
import { longTest } from '../long-test.ts'
import { namedInLog } from '../named-in-log.ts'
import { newestMigration } from '../newest-migration.ts'

const { identity, recipient } = makeIdentity()
const stranger = makeIdentity()
const hasRestic = spawnSync('restic', ['version']).status === 0
const PATIENCE = { timeout: 30_000, interval: 100 }

interface Place {
  readonly parent: string
  readonly backups: string
  readonly key: string
  readonly env: Readonly<Record<string, string>>
}

async function makePlace(): Promise<Place> {
  const parent = await mkdtemp(join(tmpdir(), 'sp-backup-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  await chmod(parent, 0o711)
  const [backups, key] = [join(parent, 'backups'), join(parent, 'key.txt')]
  await writeFile(key, `# made by a test\n${identity}\n`, { mode: 0o600 })
  const env = { BACKUP_DIR: backups, BACKUP_RECIPIENTS: `${recipient},${makeIdentity().recipient}` }
  return { parent, backups, key, env }
}

async function start(dataDir: string, env: Readonly<Record<string, string>>): Promise<Deployment> {
  const deployment = await Deployment.start({ shape: 'all-in-one', dataDir, env })
  onTestFinished(async () => {
    await deployment.stop()
    expect(namedInLog(deployment.output)).toEqual([])
  })
  return deployment
}

/** All that was committed is in the archive when this returns. */
async function archiveNow(deployment: Deployment, backups: string): Promise<void> {
  await using session = await openSession(await deployment.databaseUrl())
  await session.query(sql`select pg_logical_emit_message(true, 'test', 'something to archive')`)
  const [row] = await session.query<{ name: string }>(sql`select pg_walfile_name(pg_switch_wal()) as name`)
  const isThere = async (): Promise<boolean> =>
    (await readdir(join(backups, 'wal'))).some((file) => file.startsWith(row?.name ?? '-'))
  await expect.poll(isThere, PATIENCE).toBe(true)
}

/** The server makes one of its own when there is none: ours waits for its turn. */
async function backUp(deployment: Deployment): Promise<void> {
  const run = async (): Promise<string> => (await deployment.ctl(['backup', 'run'])).output
  await expect.poll(run, { timeout: 60_000, interval: 500 }).toMatch(/^Base backup \d{8}T\d{6}Z: \d+ files/)
}

async function accountsOf(deployment: Deployment): Promise<string> {
  const { code, output } = await deployment.ctl(['account', 'list'])
  expect(code).toBe(0)
  return output
}

longTest(
  'a running server is backed up, and restored elsewhere to a moment and to the end',
  async () => {
    const { parent, backups, key, env } = await makePlace()
    const server = await start(join(parent, 'd'), env)
    const create = async (jid: string): Promise<void> =>
      expect(await server.ctl(['account', 'create', jid, '--password-stdin'], 'open sesame\n')).toMatchObject(
        {
          code: 0,
        },
      )
    await create('before@localhost')
    await backUp(server)
    await create('between@localhost')
    const moment = new Date().toISOString()
    await create('after@localhost')
    await archiveNow(server, backups)

    const verified = await server.ctl(['backup', 'verify', '--identity', key])
    expect(verified.output).toMatch(
      /^(?:\d{8}T\d{6}Z whole\n)+Restored \S+ in \d+\.\d s up to \S+Z, also to \S+Z: \d+ tables/,
    )
    expect(verified.code).toBe(0)
    await server.kill()

    for (const [name, at, expected] of [
      ['m', ['--at', moment], ['before', 'between']],
      ['e', [], ['before', 'between', 'after']],
    ] as const) {
      const dataDir = join(parent, name)
      const restored = await server.ctl([
        'backup',
        'restore',
        '--data-dir',
        dataDir,
        '--identity',
        key,
        ...at,
      ])
      expect(restored.output).toContain('Restored ')
      expect(restored.code).toBe(0)
      expect(await server.ctl(['keyring', 'reset', '--data-dir', dataDir])).toMatchObject({ code: 0 })
      const again = await start(dataDir, {})
      const listed = await accountsOf(again)
      for (const account of ['before', 'between', 'after'])
        expect(listed.includes(`${account}@localhost`)).toBe(
          (expected as readonly string[]).includes(account),
        )
      await again.stop()
    }
  },
  300_000,
)

longTest(
  'nothing of a backup is readable, nor for strangers; the keyring, the spool and uploads are not in it',
  async () => {
    const { parent, backups, key, env } = await makePlace()
    const server = await start(join(parent, 'd'), env)
    await server.ctl(['account', 'create', 'findable-name@localhost', '--password-stdin'], 'open sesame\n')
    await backUp(server)
    await archiveNow(server, backups)
    for (const entry of await readdir(backups, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        expect((await readFile(join(entry.parentPath, entry.name))).includes('findable-name')).toBe(false)
    await writeFile(key, stranger.identity)
    const refused = await server.ctl(['backup', 'verify', '--identity', key])
    expect(refused).toMatchObject({ code: 1 })
    expect(refused.output).toContain('not encrypted to that identity')
    await writeFile(key, identity)
    const dataDir = join(parent, 'r')
    expect((await server.ctl(['backup', 'restore', '--data-dir', dataDir, '--identity', key])).code).toBe(0)
    const restored = await readdir(dataDir)
    expect(restored).toContain('transparency.key')
    for (const name of ['keyring', 'spool', 'uploads', 'restoring']) expect(restored).not.toContain(name)
    const taken = await server.ctl(['backup', 'restore', '--data-dir', dataDir, '--identity', key])
    expect(taken).toMatchObject({ code: 1 })
    expect(taken.output).toContain('is there already')
  },
  240_000,
)

longTest(
  'a damaged backup, a gap in the log and a moment before all backups are told',
  async () => {
    const { parent, backups, key, env } = await makePlace()
    const server = await start(join(parent, 'd'), env)
    await backUp(server)
    const dataDir = join(parent, 'r')
    const early = ['--identity', key, '--at', '2020-01-01T00:00:00Z']
    const refused = await server.ctl(['backup', 'restore', '--data-dir', dataDir, ...early])
    expect(refused.output).toContain('no base backup that reaches back so far')
    const [base = ''] = (await readdir(join(backups, 'base'))).toSorted().toReversed()
    const file = join(backups, 'base', base, 'base.tar.gz.age')
    const whole = await readFile(file)
    await writeFile(file, whole.subarray(0, -1))
    expect((await server.ctl(['backup', 'verify'])).output).toContain(`${base} changed`)
    const cut = await server.ctl(['backup', 'restore', '--data-dir', dataDir, '--identity', key])
    expect(cut).toMatchObject({ code: 1 })
    expect(await readdir(dataDir)).toEqual([])
    await writeFile(file, whole)
    for (const segment of await readdir(join(backups, 'wal'))) await rm(join(backups, 'wal', segment))
    expect((await server.ctl(['backup', 'verify'])).output).toContain(`${base} log-missing`)
  },
  240_000,
)

longTest(
  'the server backs itself up and proves it each day: figures, audit log, and the password of the canary',
  async () => {
    const { parent, key, env } = await makePlace()
    const dataDir = join(parent, 'd')
    const repository = join(parent, 'elsewhere')
    const offSite = hasRestic
      ? { BACKUP_RESTIC_REPOSITORY: repository, BACKUP_RESTIC_PASSWORD: 'far away' }
      : {}
    const server = await start(dataDir, { ...env, ...offSite, BACKUP_IDENTITY_FILE: key })
    const figure = async (name: string): Promise<number> => {
      const text = await (await fetch(server.url('api', '/metrics'))).text()
      return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 0)
    }
    const since = Date.now() / 1000 - 120
    await expect
      .poll(() => figure('backup_last_verified_timestamp_seconds'), { timeout: 90_000, interval: 500 })
      .toBeGreaterThan(since)
    expect(await figure('backup_last_base_timestamp_seconds')).toBeGreaterThan(since)
    expect(await figure('backup_restore_seconds')).toBeGreaterThan(0)
    expect(await figure('backup_log_failing')).toBe(0)
    if (hasRestic) {
      await expect.poll(() => figure('backup_last_copied_timestamp_seconds'), PATIENCE).toBeGreaterThan(since)
      const copy = join(parent, 'copy')
      const resticEnv = {
        PATH: process.env['PATH'],
        RESTIC_REPOSITORY: repository,
        RESTIC_PASSWORD: 'far away',
      }
      const restic = spawnSync('restic', ['--no-cache', 'restore', 'latest', '--target', copy], {
        env: resticEnv,
      })
      expect(restic.status).toBe(0)
      expect((await server.ctl(['backup', 'verify', '--from', copy])).output).toMatch(/ whole$/m)
    }
    const { output } = await server.ctl(['audit', 'list', '--json'])
    for (const action of ['backup.run', 'backup.verify']) expect(output).toContain(action)
    expect(await readdir(dataDir)).not.toContain('drill')
    await server.stop()

    const canary = { BACKUP_CANARY: 'canary@localhost', BACKUP_CANARY_PASSWORD: 'open sesame' }
    const again = await start(dataDir, { ...env, ...canary })
    const verify = (): ReturnType<Deployment['ctl']> => again.ctl(['backup', 'verify', '--identity', key])
    expect((await verify()).output).toContain('The canary cannot sign in')
    await again.ctl(['account', 'create', 'canary@localhost', '--password-stdin'], 'open sesame\n')
    await backUp(again)
    expect(await verify()).toMatchObject({ code: 0 })
  },
  300_000,
)

longTest(
  'an upgrade that changes the database begins with a backup, also when it then fails',
  async () => {
    const { parent, backups, env } = await makePlace()
    const dataDir = join(parent, 'd')
    const server = await start(dataDir, {})
    {
      await using session = await openSession(await server.databaseUrl())
      await session.execute(
        sql`delete from audit.migration where name = (select max(name) from audit.migration)`,
      )
    }
    await server.stop()
    await expect(start(dataDir, env)).rejects.toThrow('already exists')
    expect(await readdir(join(backups, 'base'))).toHaveLength(1)
  },
  120_000,
)

/** Of a Postgres that is not the embedded one, as far as `migrate` can tell: at an address of its own, which lets its receivers in. */
async function startOther(parent: string): Promise<URL> {
  const address = '127.77.66.1'
  const postgres = await startEmbeddedPostgres({
    directory: join(parent, 'other'),
    socketDirectory: join(parent, 'run'),
    clock: systemClock,
    random: systemRandom,
    unsynced: true,
    settings: {
      listen_addresses: address,
      wal_level: 'replica',
      max_wal_senders: '4',
      max_slot_wal_keep_size: '1GB',
      archive_timeout: '1s',
    },
  })
  onTestFinished(() => postgres[Symbol.asyncDispose]())
  const { username, password, pathname } = new URL(postgres.url)
  return new URL(`postgres://${username}:${password}@${address}:5432${pathname}`)
}

/** "backups!", which whoever makes a backup, a drill or a copy holds. */
const BACKUP_LOCK = 0x6261_636b_7570_7321n

longTest(
  'npm run migrate backs up what it changes, by a login that it makes first, once a drill that is under way is over',
  async () => {
    const { parent, backups, env } = await makePlace()
    const url = await startOther(parent)
    await migrateAll(url.href)
    const logins = join(parent, 'logins')
    await mkdir(logins)
    for (const name of ['xmpp', 'keys', 'smtp', 'api', 'backup', 'dovecot'])
      await writeFile(join(logins, name), `secret of ${name}`)
    await using db = await openDb({ url: url.href, poolSize: 2 })
    await db.execute(newestMigration.forget)
    await db.execute(newestMigration.undo)
    const program = (name: string, ...args: string[]) =>
      promisify(execFile)(process.execPath, [`scripts/${name}.ts`, ...args], {
        env: { ...env, DATABASE_URL: url.href, SEALPOST_DATA_DIR: parent },
      })

    const drill = await db.lock(BACKUP_LOCK, () => undefined)
    const migrating = program('migrate', '--logins', logins)
    const receivers = () => db.query(sql`select usename from pg_stat_replication`)
    await expect.poll(receivers, PATIENCE).toEqual([{ usename: 'sealpost_backup' }])
    expect(await db.query(newestMigration.hasRun)).toEqual([])
    await drill?.[Symbol.asyncDispose]()
    expect((await migrating).stdout).toMatch(/^Backed up what is about to be changed\nUp to date: account/m)
    expect(await readdir(join(backups, 'base'))).toHaveLength(1)
    expect((await program('ctl', 'backup', 'verify')).stdout).toMatch(/^\d{8}T\d{6}Z whole\n$/)
    expect((await program('migrate', '--logins', logins)).stdout).toMatch(/^Up to date/)
  },
  240_000,
)
