/**
 * The mails that are kept: each under a key of its own, sealed under a key of the keyring, in a row of `smtp.mail` and perhaps a file of the spool. A mail
 * counts as accepted when its file and key are synced and its row is committed; it is gone when its key is, and row and file are garbage from then on.
 */
import { assert, errorCode } from '@sealpost/errors'
import { type Db, gather } from '@sealpost/db'
import {
  GarbageCollector,
  type Keyring,
  Lease,
  ShredLag,
  openKeyring,
  overwritesInPlace,
} from '@sealpost/keyring'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Clock, Random } from '@sealpost/runtime'
import type { Content } from '../content.ts'
import type { Envelope } from '../reception/stage.ts'
import { ContentKey } from './content-key.ts'
import { LEASE, MailRows, type NewRow, type RowHead } from './mail-rows.ts'
import {
  type MailState,
  type Progress,
  decodeRecord,
  decodeState,
  encodeRecord,
  encodeState,
} from './mail-record.ts'
import { KeptMails, type Waiting } from './kept-mails.ts'
import { QueueError } from './queue-error.ts'
import { type BodyPlace, openBody } from './sealed-body.ts'
import { DraftMemory, SealedDraft } from './sealed-draft.ts'
import { Spool } from './spool.ts'

/** What is on its way out, what waits to be fetched, and what is counted for reports: names of queues in the keyring. */
const PLACES = {
  outgoing: '00000000-0000-4000-8000-000000000001',
  mailbox: '00000000-0000-4000-8000-000000000002',
  reports: '00000000-0000-4000-8000-000000000003',
} as const
export type Place = keyof typeof PLACES

/** Mails from outside and of our own making are no account's. */
const NOBODY = '00000000-0000-0000-0000-000000000000'

/** Mails kept at once; about 1 kB of memory each. */
const MAILS_MAX = 100_000
/** Rows of one statement: each may bring 512 KiB. */
const TOGETHER_MAX = 32
const TOGETHER_MS = 5
/** No mail waits longer, whatever holds it. */
export const KEPT_SECONDS_MAX = 30 * 24 * 60 * 60
const LEASE_WAIT_MS = 10_000
const COLLECT_MS = 1_000
const EXPIRE_MS = 60_000
const SCAN_ROWS = 1_000

/** What memory knows of a mail. */
export interface KeptMail {
  readonly id: string
  readonly account: string | undefined
  readonly place: Place
  /** Milliseconds since the epoch, whole seconds. */
  readonly acceptedAt: number
  readonly bodyBytes: number
  readonly spool: string | undefined
  /** Domains of the recipients, in the order of the envelope. */
  readonly domains: readonly string[]
  readonly key: ContentKey
  readonly state: MailState
}

/** A mail whose envelope and header are in memory. */
export interface OpenMail {
  readonly kept: KeptMail
  readonly envelope: Envelope
  readonly content: Content
  /** What header and body take of memory for as long as somebody has hold of this. */
  readonly heldBytes: number
}

export interface NewMail {
  readonly account: string | undefined
  readonly place: Place
  readonly envelope: Envelope
  readonly header: Buffer
  readonly draft: SealedDraft
  /** Of each recipient, as the first attempt leaves it. */
  readonly recipients: readonly Progress[]
  /** How long it may be read at most, KEPT_SECONDS_MAX unless less. */
  readonly keepSeconds: number
}

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
      windowMs: TOGETHER_MS,
      onAvailable: (available, error) =>
        available
          ? log.info('keyring_available')
          : log.error('keyring_unavailable', { code: errorCode(error) }),
      onFenced: () => fence.close(),
      onRequest: (request) => log.warn('keyring_request', { kind: request }),
    }),
  )
  if (!(await overwritesInPlace(options.keyringDir))) log.warn('keyring_volume_copies_on_write')
  await lease.announce(keyring.keyringId, keyring.epoch)
  const rows = new MailRows(db, keyring)
  const spool = await Spool.open(options.spoolDir, random)
  const mails = await reconcile(keyring, rows, spool, log)
  const store = new MailStore({ ...options, rows, keyring, lease, spool, mails, fence })
  await store.expire()
  stack.move()
  return store
}

async function reconcile(keyring: Keyring, rows: MailRows, spool: Spool, log: Log): Promise<KeptMails> {
  const reconciliation = keyring.reconcile()
  const mails = new KeptMails()
  const files = new Set<string>()
  let garbage = 0
  for await (const page of rows.scan(SCAN_ROWS)) {
    const gone: string[] = []
    for (const row of page) {
      const { id, handle, seq } = row
      const mail = reconciliation.row({ id, handle, seq, sizeClass: 0 }) ? openHead(keyring, row) : undefined
      if (mail === undefined) gone.push(id)
      else {
        mails.add(mail)
        if (mail.spool !== undefined) files.add(mail.spool)
      }
    }
    if (gone.length > 0) garbage += await rows.delete(gone)
  }
  const wiped = reconciliation.finish()
  await keyring.synced()
  garbage += wiped.messages + (await spool.sweep(files))
  log.info('mail_store_open', { count: keyring.size })
  if (garbage > 0) log.info('mail_store_reconciled', { count: garbage })
  return mails
}

/** Throws BLOB_CORRUPT when the database gave us something else than we put there. */
function openHead(keyring: Keyring, row: RowHead): KeptMail | undefined {
  const queue = keyring.queueOf(row.id)
  if (queue === undefined) return undefined
  const bytes = keyring.open(row.id, queue, row.seq, row.key)
  if (bytes === undefined) return undefined
  const key = new ContentKey(bytes)
  const { envelope, bodyBytes } = decodeRecord(key.open('envelope', row.envelope))
  const acceptedAt = row.acceptedAt.getTime()
  return {
    id: row.id,
    account: queue.account === NOBODY ? undefined : queue.account,
    place: placeOf(queue.device),
    acceptedAt,
    bodyBytes,
    spool: row.spool ?? undefined,
    domains: envelope.recipients.map(({ address }) => address.domain),
    key,
    state:
      row.state === null
        ? { recipients: envelope.recipients.map(() => interrupted(acceptedAt)) }
        : decodeState(key.openAnew('state', row.state)),
  }
}

function placeOf(device: string): Place {
  if (device === PLACES.mailbox) return 'mailbox'
  return device === PLACES.reports ? 'reports' : 'outgoing'
}

/** Nothing was recorded since it was accepted: one attempt may have begun. */
function interrupted(acceptedAt: number): Progress {
  return { done: false, attempts: 1, nextAt: acceptedAt, delayTold: false }
}

interface Parts extends MailStoreOptions {
  readonly rows: MailRows
  readonly keyring: Keyring
  readonly lease: Lease
  readonly spool: Spool
  readonly mails: KeptMails
  readonly fence: { readonly closed: boolean; close(): void }
}

export class MailStore implements AsyncDisposable {
  readonly #parts: Parts
  readonly #mails: KeptMails
  readonly #drafts: { spool: Spool; random: Random; memory: DraftMemory }
  readonly #inserting = new Set<Promise<void>>()
  readonly #collector: GarbageCollector
  readonly #lag: ShredLag
  readonly #timers = new DisposableStack()
  readonly #insert: (row: NewRow) => Promise<boolean>
  readonly #save: (mail: KeptMail) => Promise<boolean>
  /** Files of rows that are garbage. */
  readonly #files = new Map<string, string>()
  #closed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#mails = parts.mails
    this.#drafts = { spool: parts.spool, random: parts.random, memory: new DraftMemory() }
    this.#lag = new ShredLag(parts.metrics, () => parts.keyring.synced())
    this.#insert = gather(
      async (rows) => {
        const held = await parts.rows.insert(rows)
        return rows.map(() => held)
      },
      { pauseMs: TOGETHER_MS, togetherMax: TOGETHER_MAX },
    )
    this.#save = gather((mails) => this.#saveTogether(mails), { pauseMs: TOGETHER_MS, togetherMax: 200 })
    this.#collector = new GarbageCollector({
      delete: (ids) => this.#deleteRows(ids),
      insertsEnded: async () => void (await Promise.allSettled(this.#inserting)),
    })
    this.#timers.use(parts.clock.every(COLLECT_MS, () => this.#collect()))
    this.#timers.use(parts.clock.every(EXPIRE_MS, () => this.expire()))
  }

  /** Whether a mail can be kept now, as far as is known. */
  get available(): boolean {
    return !this.#closed && !this.#parts.fence.closed && this.#parts.keyring.available
  }

  get size(): number {
    return this.#mails.size
  }

  draft(): SealedDraft {
    return new SealedDraft(this.#drafts)
  }

  /** Everything that is kept. */
  all(): Iterable<KeptMail> {
    return this.#mails.values()
  }

  /** Of one account, oldest first. */
  ofAccount(account: string, place: Place): KeptMail[] {
    const { keyring } = this.#parts
    const queue = keyring.findQueue(account, PLACES[place])
    if (queue === undefined) return []
    return keyring.messages(queue).flatMap(({ id }) => this.#mails.get(id) ?? [])
  }

  /** How much waits in the mailbox of an account. */
  waiting(account: string): Waiting {
    return this.#mails.waiting(account)
  }

  find(id: string): KeptMail | undefined {
    return this.#mails.get(id)
  }

  /** Durable when it resolves. QueueError when nothing was kept. */
  async accept(mail: NewMail): Promise<OpenMail> {
    this.#assertOpen()
    if (this.#mails.size >= (this.#parts.mailsMax ?? MAILS_MAX)) throw new QueueError('QUEUE_FULL')
    const { keyring, clock } = this.#parts
    const { envelope, header, draft } = mail
    const { key, bodyBytes } = draft
    const body = await draft.take()
    const acceptedAt = Math.floor(clock.now() / 1000)
    const due = acceptedAt + Math.min(mail.keepSeconds, KEPT_SECONDS_MAX)
    const kept = {
      account: mail.account,
      place: mail.place,
      acceptedAt: acceptedAt * 1000,
      bodyBytes,
      spool: body.spool,
      domains: envelope.recipients.map(({ address }) => address.domain),
      key,
      state: { recipients: mail.recipients },
    }
    let place
    try {
      place = this.#sealKey(kept, due)
    } catch (cause) {
      key[Symbol.dispose]()
      if (body.spool !== undefined) await this.#deleteFile(body.spool)
      throw new QueueError(errorCode(cause) === 'KEYRING_FULL' ? 'QUEUE_FULL' : 'QUEUE_UNAVAILABLE', {
        cause,
      })
    }
    const whole: KeptMail = { id: place.id, ...kept }
    const row = {
      ...place,
      envelope: key.seal('envelope', encodeRecord({ envelope, bodyBytes })),
      header: key.seal('header', header),
      body,
      acceptedAt,
    }
    const inserting = this.#insertRow(row)
    const [inserted, synced] = await Promise.allSettled([inserting, keyring.synced()])
    const failed = [inserted, synced].find((one) => one.status === 'rejected')
    if (failed !== undefined) {
      this.#destroy(whole)
      throw new QueueError('QUEUE_UNAVAILABLE', { cause: failed.reason })
    }
    this.#mails.add(whole)
    return this.#opened(whole, envelope, header, body)
  }

  /** Undefined: it is gone. Throws DbError, and what reading the spool throws. */
  async open(mail: KeptMail): Promise<OpenMail | undefined> {
    const row = await this.#parts.rows.content(mail.id)
    if (row === undefined || !this.#mails.has(mail.id)) return undefined
    const { envelope } = decodeRecord(mail.key.open('envelope', row.envelope))
    const header = mail.key.open('header', row.header)
    const place = mail.spool === undefined ? { inline: row.body ?? Buffer.alloc(0) } : { spool: mail.spool }
    return this.#opened(mail, envelope, header, place)
  }

  /** Records what memory knows of its recipients. Throws DbError; QUEUE_CLOSED once another process owns the mails. */
  async save(mail: KeptMail): Promise<void> {
    if (!(await this.#save(mail))) throw new QueueError('QUEUE_CLOSED')
  }

  /** Unreadable when this returns, also from disk within milliseconds. */
  shred(mail: KeptMail): void {
    if (!this.#mails.delete(mail)) return
    this.#destroy(mail)
  }

  /** Resolves when everything shredded so far is unreadable on disk, too. */
  shredded(): Promise<void> {
    return this.#parts.keyring.synced()
  }

  /** Deletes rows and files that nobody can read any more; resolves when they are gone. */
  async collect(): Promise<void> {
    await this.#collector.collect()
  }

  /** Shreds what was kept for as long as it may. */
  async expire(): Promise<void> {
    const second = Math.floor(this.#parts.clock.now() / 1000)
    for (;;) {
      const due = this.#parts.keyring.due(second)
      if (due.length === 0) break
      for (const { id } of due) {
        const mail = this.#mails.get(id)
        if (mail === undefined) this.#parts.keyring.shred([id])
        else {
          this.shred(mail)
          this.#parts.onExpired(mail)
        }
      }
    }
    await this.shredded()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#timers.dispose()
    await using stack = new AsyncDisposableStack()
    stack.use(this.#parts.lease)
    stack.use(this.#parts.keyring)
    await Promise.allSettled(this.#inserting)
    await this.#collect()
  }

  #sealKey(
    { account, place, key }: Pick<KeptMail, 'account' | 'place' | 'key'>,
    due: number,
  ): Pick<NewRow, 'id' | 'handle' | 'seq' | 'key'> {
    const { keyring } = this.#parts
    const queue = keyring.queue(account ?? NOBODY, PLACES[place])
    const seq = queue.lastSeq + 1
    try {
      const { id, blob, sizeClass } = keyring.seal(queue, seq, key.bytes, due, 'message')
      assert.equal(sizeClass, 0, 'a key has the smallest size')
      return { id, handle: queue.handle, seq, key: blob }
    } finally {
      if (queue.count === 0) keyring.drain(queue)
    }
  }

  async #insertRow(row: NewRow): Promise<void> {
    const inserting = this.#insert(row).then((held) => {
      if (held) return
      this.#parts.fence.close()
      throw new QueueError('QUEUE_UNAVAILABLE')
    })
    this.#inserting.add(inserting)
    try {
      await inserting
    } finally {
      this.#inserting.delete(inserting)
    }
  }

  #opened(kept: KeptMail, envelope: Envelope, header: Buffer, place: BodyPlace): OpenMail {
    const { bodyBytes, key } = kept
    return {
      kept,
      envelope,
      heldBytes: header.length + (place.inline?.length ?? place.copy?.bytes ?? 0),
      content: { header, bodyBytes, body: () => openBody(key, place, bodyBytes, this.#parts.spool) },
    }
  }

  /** The latest state of each, once. */
  async #saveTogether(mails: readonly KeptMail[]): Promise<boolean[]> {
    const states = [...new Set(mails)]
      .filter(({ id }) => this.#mails.has(id))
      .map(({ id, key, state }) => ({
        id,
        state: key.sealAnew('state', encodeState(state), this.#parts.random),
      }))
    const held = states.length === 0 || (await this.#parts.rows.saveStates(states))
    if (!held) this.#parts.fence.close()
    return mails.map(() => held)
  }

  #destroy({ id, key, spool }: KeptMail): void {
    const { keyring } = this.#parts
    key[Symbol.dispose]()
    const queue = keyring.queueOf(id)
    keyring.shred([id])
    if (queue?.count === 0) keyring.drain(queue)
    if (spool !== undefined) this.#files.set(id, spool)
    this.#collector.add([id])
    this.#lag.shredded()
  }

  async #deleteRows(ids: readonly string[]): Promise<number> {
    const deleted = await this.#parts.rows.delete(ids)
    for (const id of ids) {
      const file = this.#files.get(id)
      if (file === undefined) continue
      this.#files.delete(id)
      await this.#deleteFile(file)
    }
    return deleted
  }

  /** What cannot be deleted is unreadable all the same, and found at the next start. */
  async #deleteFile(name: string): Promise<void> {
    try {
      await this.#parts.spool.delete(name)
    } catch (error) {
      this.#parts.log.warn('mail_garbage_left', { code: errorCode(error) })
    }
  }

  async #collect(): Promise<void> {
    try {
      await this.collect()
    } catch (error) {
      this.#parts.log.warn('mail_garbage_left', { code: errorCode(error) })
    }
  }

  #assertOpen(): void {
    if (this.#closed || this.#parts.fence.closed) throw new QueueError('QUEUE_CLOSED')
    if (!this.#parts.keyring.available) throw new QueueError('QUEUE_UNAVAILABLE')
  }
}
