/**
 * What is claimed in docs/backups.md, tried: a server is restored to the moment at which messages waited, beside the keyring as it is now. What has been delivered since cannot
 * be read, neither by who has all disks and the key of the backups nor by its recipient; what still waits can.
 */
import { chmod, cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Archive, makeIdentity } from '@sealpost/backup'
import { openSession, sql } from '@sealpost/db'
import { Deployment, recoverCluster, tryDelivered } from '@sealpost/dev-env'
import { attack } from '@sealpost/forensics'
import { systemRandom } from '@sealpost/runtime'
import { expect, onTestFinished } from 'vitest'
import { TestClient } from '../../services/xmpp/test/client.ts'
import { omemo } from '../../services/xmpp/test/relay-fixture.ts'
import { longTest } from '../long-test.ts'
import { namedInLog } from '../named-in-log.ts'
import { Ledger } from './ledger.ts'

const PATIENCE = { timeout: 60_000, interval: 200 }

async function start(dataDir: string, env: Readonly<Record<string, string>>): Promise<Deployment> {
  const deployment = await Deployment.start({ shape: 'all-in-one', dataDir, env })
  onTestFinished(async () => {
    await deployment.stop()
    expect(namedInLog(deployment.output)).toEqual([])
  })
  return deployment
}

async function signIn(deployment: Deployment, username: string): Promise<TestClient> {
  const client = await TestClient.signIn({ port: deployment.ports.xmpp, username, password: 'secret' })
  await client.enableStreamManagement()
  return client
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

async function makePlace() {
  const parent = await mkdtemp(join(tmpdir(), 'sp-lost-'))
  onTestFinished(() => rm(parent, { recursive: true, force: true }))
  await chmod(parent, 0o711)
  const { identity, recipient } = makeIdentity()
  const [backups, key] = [join(parent, 'backups'), join(parent, 'key.txt')]
  await writeFile(key, identity)
  return { parent, backups, key, identity, env: { BACKUP_DIR: backups, BACKUP_RECIPIENTS: recipient } }
}

longTest(
  'a restored backup reads what waits, and nothing that was delivered',
  async () => {
    const { parent, backups, key, identity, env } = await makePlace()
    const [old, fresh] = [join(parent, 'd'), join(parent, 'r')]
    const server = await start(old, env)
    for (const name of ['alice', 'bob', 'carol'])
      await server.ctl(['account', 'create', `${name}@localhost`, '--password-stdin'], 'secret\n')
    const ledger = new Ledger()
    const [toBob, toCarol] = [ledger.plant(), ledger.plant()]
    const alice = await signIn(server, 'alice')
    alice.sends(omemo('bob@localhost', toBob))
    alice.sends(omemo('carol@localhost', toCarol))
    await alice.safeUpTo(2)
    const backUp = async (): Promise<string> => (await server.ctl(['backup', 'run'])).output
    await expect.poll(backUp, PATIENCE).toMatch(/^Base backup/)
    const moment = new Date().toISOString()
    const [keyring, slots] = [join(old, 'keyring'), join(old, 'keyring/xmpp/keyring.slots')]
    const forbidden = join(parent, 'copy.slots')
    await cp(slots, forbidden)

    const bob = await signIn(server, 'bob')
    await bob.available()
    expect((await bob.message()).attrs).toMatchObject({ id: toBob })
    await bob.close()
    ledger.isGone(toBob)
    await archiveNow(server, backups)
    {
      const from = { archive: new Archive(backups), identity, at: new Date(moment), programs: undefined }
      await using drill = await recoverCluster({ ...from, directory: join(parent, 't') })
      const databaseUrl = await server.databaseUrl()
      const trial = { restoredUrl: drill.url, databaseUrl, keyringFile: slots, random: systemRandom }
      expect(await tryDelivered(trial)).toEqual({ delivered: 1, waiting: 1 })
      const copied = tryDelivered({ ...trial, keyringFile: forbidden })
      await expect(copied).rejects.toMatchObject({ code: 'BACKUP_READABLE' })
      expect(await tryDelivered({ ...trial, keyringFile: join(parent, 'none') })).toBeUndefined()
    }
    await server.kill()

    const restored = await server.ctl([
      'backup',
      'restore',
      '--data-dir',
      fresh,
      '--identity',
      key,
      '--at',
      moment,
    ])
    expect(restored.output).toContain('Restored ')
    const { rows, plaintexts } = await attack({
      directories: [fresh, join(old, 'postgres')],
      keyrings: [slots],
    })
    expect(rows).toBeGreaterThanOrEqual(2)
    expect(ledger.found(ledger.gone, plaintexts)).toBe(0)
    expect(ledger.found(ledger.waiting, plaintexts)).toBe(1)

    await cp(keyring, join(fresh, 'keyring'), { recursive: true })
    await server.ctl(['keyring', 'adopt', '--data-dir', fresh])
    const again = await start(fresh, {})
    const bobAgain = await signIn(again, 'bob')
    await bobAgain.available()
    await bobAgain.receivesNothing()
    const carol = await signIn(again, 'carol')
    await carol.available()
    expect((await carol.message()).attrs).toMatchObject({ id: toCarol })
  },
  300_000,
)
