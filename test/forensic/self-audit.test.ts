/** The self-audits (packages/forensics/src/self-audit, of messages and of mails) on a Postgres with archive and backup: that it passes, that it would notice, and that it knows when it could not. */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDb, migrate } from '@sealpost/db'
import { diskVolume, openKeyringOn, type KeyFile, type Volume } from '@sealpost/keyring'
import { createLog } from '@sealpost/log'
import { createMetrics } from '@sealpost/metrics'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { expect, onTestFinished } from 'vitest'
import { SelfAudit, type SelfAuditOptions } from '@sealpost/forensics'
import { storeOptions } from '../../services/xmpp/src/delivery/sealed-store/_store-options.ts'
import {
  openSealedStore,
  type SealedStore,
  type SealedStoreOptions,
} from '../../services/xmpp/src/delivery/sealed-store/sealed-store.ts'
import { canaries as canaryMessages } from '../../services/xmpp/src/self-audit/canaries.ts'
import type { MailStore } from '../../services/smtp/src/queue/mail-store.ts'
import { openMailStore } from '../../services/smtp/src/queue/open-mail-store.ts'
import { canaries as canaryMails } from '../../services/smtp/src/self-audit/canaries.ts'
import { temporaryDirectory } from '../faults/scene.ts'
import { ArchivedPostgres } from './archived-postgres.ts'
import { longTest } from '../long-test.ts'

const ROOT = join(import.meta.dirname, '../..')
const log = createLog({ level: 'silent' })

type Audit = (changes?: Partial<SelfAuditOptions>) => Promise<SelfAudit>

interface Stage {
  readonly postgres: ArchivedPostgres
  readonly path: string
  readonly metrics: ReturnType<typeof createMetrics>
  /** Of what is sealed there. */
  readonly audit: Audit
  readonly waiting: () => number
}

interface ChatStage extends Stage {
  readonly store: SealedStore
}

/** `openKeyring`: another way to open it, on another volume. */
type OpenKeyring = (keyring: string) => NonNullable<SealedStoreOptions['openKeyring']>

async function begin(owner: 'xmpp' | 'smtp') {
  await using stack = new AsyncDisposableStack()
  const { path } = stack.use(await temporaryDirectory())
  const postgres = stack.use(await ArchivedPostgres.start(path))
  await migrate({ url: postgres.url, owner, directory: join(ROOT, `services/${owner}/migrations`) })
  const db = stack.use(await openDb({ url: postgres.url, role: `sealpost_${owner}` }))
  const held = stack.move()
  onTestFinished(() => held.disposeAsync())
  const metrics = createMetrics()
  const keyring = join(path, 'keyring')
  const common = {
    keyring: owner,
    directories: postgres.directories,
    keyringFile: join(keyring, 'keyring.slots'),
    recordFile: join(path, 'self-audit.json'),
    clock: systemClock,
    log,
    metrics,
    settleMs: 0,
  }
  const auditOf =
    (options: Pick<SelfAuditOptions, 'plant' | 'directories'>): Audit =>
    async (changes = {}) =>
      held.use(await SelfAudit.open({ ...common, ...options, ...changes }))
  return { held, path, postgres, db, metrics, keyring, auditOf }
}

async function setStage(openKeyring?: OpenKeyring): Promise<ChatStage> {
  const { held, postgres, path, db, metrics, keyring, auditOf } = await begin('xmpp')
  const other = openKeyring === undefined ? {} : { openKeyring: openKeyring(keyring) }
  const store = held.use(await openSealedStore({ ...storeOptions(db, keyring), ...other }))
  const plant = canaryMessages({ store, random: systemRandom, clock: systemClock })
  const audit = auditOf({ plant, directories: postgres.directories })
  return { postgres, store, path, metrics, audit, waiting: () => store.totals().count }
}

async function setMailStage(): Promise<Stage & { readonly store: MailStore; readonly spool: string }> {
  const { held, postgres, path, db, metrics, keyring, auditOf } = await begin('smtp')
  const spool = join(path, 'spool')
  const store = held.use(
    await openMailStore({
      db,
      keyringDir: keyring,
      spoolDir: spool,
      log,
      metrics,
      clock: systemClock,
      random: systemRandom,
      onFenced: () => undefined,
      onExpired: () => undefined,
    }),
  )
  const plant = canaryMails({ store, random: systemRandom })
  const audit = auditOf({ plant, directories: [...postgres.directories, spool] })
  return { postgres, store, spool, path, metrics, audit, waiting: () => store.size }
}

/** A disk that keeps what is overwritten with nothing, as some do. */
function keeping(volume: Volume): Volume {
  const keep = (file: KeyFile): KeyFile => ({
    length: file.length,
    read: (position, length) => file.read(position, length),
    write: (position, bytes) => {
      if (bytes.some((byte) => byte !== 0)) file.write(position, bytes)
    },
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

const keepingDisk: OpenKeyring = (directory) => async (options) =>
  openKeyringOn(keeping(await diskVolume(directory)), options)

longTest.each([
  ['messages', 'xmpp', setStage],
  ['mails', 'smtp', setMailStage],
] as const)(
  'of %s it passes, leaves nothing, is counted, and is known after a restart',
  async (_what, keyring, set) => {
    const { postgres, path, metrics, audit, waiting } = await set()
    await postgres.backUp()
    const record = await (await audit()).run()
    expect(record.result).toBe('passed')
    expect(waiting()).toBe(0)
    expect(await metrics.render()).toContain(`self_audit_passed{keyring="${keyring}"} 1`)
    expect(JSON.parse(await readFile(join(path, 'self-audit.json'), 'utf8'))).toEqual(record)
    const fresh = createMetrics()
    const again = await audit({ metrics: fresh })
    expect((await again.state()).last).toEqual(record)
    expect(await fresh.render()).toContain(
      `self_audit_timestamp_seconds{keyring="${keyring}"} ${String(record.at / 1000)}`,
    )
  },
)

longTest('on a disk that keeps what is overwritten it fails', async () => {
  const { metrics, audit } = await setStage(keepingDisk)
  expect(await (await audit()).run()).toMatchObject({ result: 'failed' })
  expect(await metrics.render()).toContain('self_audit_passed{keyring="xmpp"} 0')
})

longTest.each([
  ['a disk that keeps what is overwritten', 'failed', keepingDisk],
  ['any other', 'passed', undefined],
] as const)(
  'the last backup alone has the rows of what was taken: on %s it has %s',
  async (_what, result, openKeyring) => {
    const { postgres, store, path, audit } = await setStage(openKeyring)
    const plant = canaryMessages({
      random: systemRandom,
      clock: systemClock,
      store: {
        append: (...message) => store.append(...message),
        read: async (...page) => {
          await postgres.backUp()
          return store.read(...page)
        },
        shred: (ids) => store.shred(ids),
        shredQueue: (queue) => store.shredQueue(queue),
        shredded: () => store.shredded(),
      },
    })
    const directories = [join(path, 'backups')]
    expect(await (await audit({ plant, directories })).run()).toMatchObject({ result })
  },
)

longTest('of mails it fails, too, when keys are there again that were destroyed', async () => {
  const { path, audit, store } = await setMailStage()
  const older = join(path, 'older.slots')
  const plant = canaryMails({
    random: systemRandom,
    store: {
      draft: () => store.draft(),
      accept: (mail) => store.accept(mail),
      open: async (kept) => {
        await copyFile(join(path, 'keyring', 'keyring.slots'), older)
        return store.open(kept)
      },
      shred: (kept) => store.shred(kept),
      shredded: () => store.shredded(),
    },
  })
  expect(await (await audit({ plant, keyringFile: older })).run()).toMatchObject({ result: 'failed' })
})

longTest('of mails it is powerless without the spool, where the body of a long one lies', async () => {
  const { postgres, audit, waiting } = await setMailStage()
  const { directories } = postgres
  expect(await (await audit({ directories })).run()).toMatchObject({ result: 'powerless' })
  expect(waiting()).toBe(0)
})

longTest(
  'an attacker who does not find what waits proves nothing; one who cannot read the files neither',
  async () => {
    const { path, audit } = await setStage()
    const empty = join(path, 'empty')
    await mkdir(empty)
    expect(await (await audit({ directories: [empty] })).run()).toMatchObject({ result: 'powerless' })
    const missing = [join(path, 'missing')]
    expect(await (await audit({ directories: missing })).run()).toMatchObject({ result: 'blind' })
  },
)

longTest('a service that stops does not wait for it; a record that is torn is none', async () => {
  const { path, audit, waiting } = await setStage()
  await writeFile(join(path, 'self-audit.json'), '{"at":17')
  const slow = await audit({ settleMs: 3_600_000 })
  const stopped = slow.run().catch((error: unknown) => error)
  await expect.poll(waiting).toBeGreaterThan(0)
  await slow[Symbol.asyncDispose]()
  expect(await stopped).toMatchObject({ message: 'the service stops' })
  expect(waiting()).toBe(0)
})
