/** The start of the store of mails: who owns them, and what of keys, rows and files belongs together. */
import type { Db } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import { type Keyring, Lease, openKeyring, packRow, reportKeyRisks } from '@sealpost/keyring'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Clock, Random } from '@sealpost/runtime'
import type { KeptMail } from './kept-mail.ts'
import { KeptMails } from './kept-mails.ts'
import { MailKeys } from './mail-keys.ts'
import { type Progress, decodeRecord, decodeState } from './mail-record.ts'
import { LEASE, MailRows, type RowHead } from './mail-rows.ts'
import { MailStore } from './mail-store.ts'
import { Spool } from './spool.ts'

const LEASE_WAIT_MS = 10_000
/** Keys that are made and destroyed in so long share a sync. */
const SYNC_MS = 5
const SCAN_ROWS = 1_000

export interface MailStoreOptions {
  /** Opened with the role `sealpost_smtp`. */
  readonly db: Db
  readonly keyringDir: string
  readonly spoolDir: string
  readonly log: Log
  readonly metrics: Metrics
  readonly clock: Clock
  readonly random: Random
  /** Another process owns the mails now: stop delivering. Called once. */
  readonly onFenced: () => void
  /** Its time was over: nobody can read it any more. */
  readonly onExpired: (mail: KeptMail) => void
  readonly mailsMax?: number
  readonly leaseWaitMs?: number
}

/**
 * Opens keyring, rows and spool and makes them agree: rows without a key are deleted, keys without a row destroyed, files without a row deleted. Throws
 * KeyringError (see openKeyring) and DbError.
 */
export async function openMailStore(options: MailStoreOptions): Promise<MailStore> {
  await using stack = new AsyncDisposableStack()
  const { db, log, clock, random } = options
  const fence = { closed: false, close: () => undefined as void }
  fence.close = () => {
    if (fence.closed) return
    fence.closed = true
    log.error('mail_store_fenced')
    options.onFenced()
  }
  const lease = stack.use(await Lease.take(db, LEASE, options.leaseWaitMs ?? LEASE_WAIT_MS))
  const keyring = stack.use(
    await openKeyring({
      mode: 'file',
      directory: options.keyringDir,
      ...(await lease.state()),
      random,
      clock,
      windowMs: SYNC_MS,
      onAvailable: (available, error) =>
        available
          ? log.info('keyring_available')
          : log.error('keyring_unavailable', { code: errorCode(error) }),
      onFenced: () => fence.close(),
      onRequest: (request) => log.warn('keyring_request', { kind: request }),
    }),
  )
  await reportKeyRisks(options.keyringDir, { keyring: 'smtp', log, metrics: options.metrics })
  await lease.announce(keyring.keyringId, keyring.epoch)
  const rows = new MailRows(db, keyring)
  const spool = await Spool.open(options.spoolDir, random)
  const keys = stack.use(new MailKeys(keyring, options.metrics))
  const mails = await reconcile(keyring, { keys, rows, spool, log })
  const store = new MailStore({ ...options, rows, keys, spool, mails, fence, owned: stack.move() })
  await using opened = new AsyncDisposableStack()
  opened.use(store)
  await store.expire()
  opened.move()
  return store
}

interface Reconciled {
  readonly keys: MailKeys
  readonly rows: MailRows
  readonly spool: Spool
  readonly log: Log
}

async function reconcile(keyring: Keyring, { keys, rows, spool, log }: Reconciled): Promise<KeptMails> {
  const reconciliation = keyring.reconcile()
  const mails = new KeptMails()
  const files = new Set<string>()
  let garbage = 0
  for await (const page of rows.scan(SCAN_ROWS)) {
    const packed = page.map(({ id, handle, seq }) => packRow({ id, handle, seq, sizeClass: 0 }))
    const gone = reconciliation.rows(Buffer.concat(packed))
    const keyless = new Set(gone)
    for (const row of page) {
      if (keyless.has(row.id)) continue
      const mail = openHead(keys, row)
      if (mail === undefined) gone.push(row.id)
      else {
        mails.add(mail)
        if (mail.spool !== undefined) files.add(mail.spool)
      }
    }
    if (gone.length > 0) garbage += await rows.delete(gone)
  }
  const wiped = reconciliation.finish()
  await keyring.synced()
  const left = { row_without_key: garbage, key_without_row: wiped.messages, file: await spool.sweep(files) }
  log.info('mail_store_open', { count: keyring.size })
  for (const [kind, count] of Object.entries(left))
    if (count > 0) log.info('mail_store_reconciled', { kind, count })
  return mails
}

function openHead(keys: MailKeys, row: RowHead): KeptMail | undefined {
  const owner = keys.open(row)
  if (owner === undefined) return undefined
  const { key } = owner
  const { envelope, bodyBytes, source } = decodeRecord(key.open('envelope', row.envelope))
  const acceptedAt = row.acceptedAt.getTime()
  return {
    ...owner,
    id: row.id,
    acceptedAt,
    bodyBytes,
    source,
    spool: row.spool ?? undefined,
    domains: envelope.recipients.map(({ address }) => address.domain),
    state:
      row.state === null
        ? { recipients: envelope.recipients.map(() => interrupted(acceptedAt)) }
        : decodeState(key.openAnew('state', row.state)),
  }
}

/** Nothing was recorded since it was accepted: one attempt may have begun. */
function interrupted(acceptedAt: number): Progress {
  return { done: false, attempts: 1, nextAt: acceptedAt, delayTold: false }
}
