/** The self-audit (services/xmpp/src/self-audit) on a Postgres with archive and backup: that it passes, that it would notice, and that it knows when it could not. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDb, migrate } from '@sealpost/db'
import { diskVolume, openKeyringOn, type KeyFile, type Volume } from '@sealpost/keyring'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { expect, onTestFinished, test } from 'vitest'
import { createXmppEvents } from '../../services/xmpp/src/events.ts'
import { storeOptions } from '../../services/xmpp/src/delivery/sealed-store/_store-options.ts'
import {
  openSealedStore,
  type SealedStore,
  type SealedStoreOptions,
} from '../../services/xmpp/src/delivery/sealed-store/sealed-store.ts'
import { SelfAudit, type SelfAuditOptions } from '../../services/xmpp/src/self-audit/self-audit.ts'
import { temporaryDirectory } from '../faults/scene.ts'
import { ArchivedPostgres } from './archived-postgres.ts'

const MIGRATIONS = join(import.meta.dirname, '../../services/xmpp/migrations')

interface Stage {
  readonly postgres: ArchivedPostgres
  readonly store: SealedStore
  readonly path: string
  readonly metrics: ReturnType<typeof createMetrics>
  readonly audit: (changes?: Partial<SelfAuditOptions>) => Promise<SelfAudit>
}

async function setStage(
  changes: (keyring: string) => Partial<SealedStoreOptions> = () => ({}),
): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const postgres = stack.use(await ArchivedPostgres.start(path))
  await migrate({ url: postgres.url, owner: 'xmpp', directory: MIGRATIONS })
  const db = stack.use(await openDb({ url: postgres.url, role: 'sealpost_xmpp' }))
  const keyring = join(path, 'keyring')
  const store = stack.use(await openSealedStore({ ...storeOptions(db, keyring), ...changes(keyring) }))
  const metrics = createMetrics()
  const held = stack.move()
  onTestFinished(() => held.disposeAsync())
  const options: SelfAuditOptions = {
    store,
    directories: postgres.directories,
    keyringFile: join(keyring, 'keyring.slots'),
    recordFile: join(path, 'self-audit.json'),
    clock: systemClock,
    random: systemRandom,
    events: createXmppEvents(createLog({ level: 'silent' }), metrics),
    settleMs: 0,
  }
  const audit = async (other: Partial<SelfAuditOptions> = {}) =>
    held.use(await SelfAudit.open({ ...options, ...other }))
  return { postgres, store, path, metrics, audit }
}

/** A disk that keeps what is overwritten with nothing, as some do. */
function keeping(volume: Volume): Volume {
  const keep = (file: KeyFile): KeyFile => ({
    length: file.length,
    read: (position, length) => file.read(position, length),
    write: (position, bytes) =>
      bytes.every((byte) => byte === 0) ? Promise.resolve() : file.write(position, bytes),
    sync: () => file.sync(),
    close: () => file.close(),
  })
  return {
    lock: () => volume.lock(),
    open: async () => {
      const file = await volume.open()
      return file && keep(file)
    },
    create: async (content) => keep(await volume.create(content)),
    destroy: () => volume.destroy(),
    request: () => volume.request(),
    clearRequest: () => volume.clearRequest(),
  }
}

test('it passes, leaves nothing, is counted, and is known after a restart', async () => {
  const { postgres, store, path, metrics, audit } = await setStage()
  await postgres.backUp()
  const first = await audit()
  const record = await first.run()
  expect(record.result).toBe('passed')
  await store.shredded()
  expect(store.totals().count).toBe(0)
  expect(await metrics.render()).toContain('self_audit_passed 1')
  expect(JSON.parse(await readFile(join(path, 'self-audit.json'), 'utf8'))).toEqual(record)
  const fresh = createMetrics()
  await audit({ events: createXmppEvents(createLog({ level: 'silent' }), fresh) })
  expect(await fresh.render()).toContain(`self_audit_timestamp_seconds ${String(record.at / 1000)}`)
})

test('on a disk that keeps what is overwritten it fails', async () => {
  const { metrics, audit } = await setStage((directory) => ({
    openKeyring: async (options) => openKeyringOn(keeping(await diskVolume(directory)), options),
  }))
  expect(await (await audit()).run()).toMatchObject({ result: 'failed' })
  expect(await metrics.render()).toContain('self_audit_passed 0')
})

test('an attacker who does not find what waits proves nothing; one who cannot read the files neither', async () => {
  const { path, audit } = await setStage()
  const empty = join(path, 'empty')
  await mkdir(empty)
  expect(await (await audit({ directories: [empty] })).run()).toMatchObject({ result: 'powerless' })
  const missing = [join(path, 'missing')]
  expect(await (await audit({ directories: missing })).run()).toMatchObject({ result: 'blind' })
})

test('a relay that stops does not wait for it; a record that is torn is none', async () => {
  const { store, path, audit } = await setStage()
  await writeFile(join(path, 'self-audit.json'), '{"at":17')
  const slow = await audit({ settleMs: 3_600_000 })
  const stopped = slow.run().catch((error: unknown) => error)
  await expect.poll(() => store.totals().count).toBeGreaterThan(0)
  await slow[Symbol.asyncDispose]()
  expect(await stopped).toMatchObject({ message: 'the relay stops' })
  expect(store.totals().count).toBe(0)
})
