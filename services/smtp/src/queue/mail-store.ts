/**
 * The mails that are kept: each under a key of its own, sealed under a key of the keyring, in a row of `smtp.mail` and perhaps a file of the spool. A mail
 * counts as accepted when its file and key are synced and its row is committed; it is gone when its key is, and row and file are garbage from then on.
 */
import { gather } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Clock, Random } from '@sealpost/runtime'
import type { Envelope } from '../reception/stage.ts'
import { KEPT_SECONDS_MAX, type KeptMail, type NewMail, type OpenMail } from './kept-mail.ts'
import type { KeptMails, Waiting } from './kept-mails.ts'
import { MailGarbage } from './mail-garbage.ts'
import type { KeyOwner, MailKeys, Place, SealedKey } from './mail-keys.ts'
import { decodeRecord, encodeRecord, encodeState } from './mail-record.ts'
import type { MailRows, NewRow } from './mail-rows.ts'
import { QueueError } from './queue-error.ts'
import { type BodyPlace, openBody, readPlain } from './sealed-body.ts'
import { DraftMemory, SealedDraft } from './sealed-draft.ts'
import type { Spool } from './spool.ts'

/** Mails kept at once; about 1 kB of memory each. */
const MAILS_MAX = 100_000
/** More than these may be reports about them. */
const REPORTS_PART = 10
/** Rows of one statement: each may bring 512 KiB. */
const TOGETHER_MAX = 32
/** From one statement to the next, for others to join it. */
const TOGETHER_MS = 5
const COLLECT_MS = 1_000
const EXPIRE_MS = 60_000

export interface MailStoreParts {
  readonly mails: KeptMails
  readonly keys: MailKeys
  readonly rows: MailRows
  readonly spool: Spool
  /** Closed once another process owns the mails. */
  readonly fence: { readonly closed: boolean; close(): void }
  /** Disposed with the store, when nothing is written any more. */
  readonly owned: AsyncDisposable
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly onExpired: (mail: KeptMail) => void
  readonly mailsMax?: number
}

export class MailStore implements AsyncDisposable {
  readonly #parts: MailStoreParts
  readonly #mails: KeptMails
  readonly #drafts: { spool: Spool; random: Random; memory: DraftMemory }
  readonly #inserting = new Set<Promise<void>>()
  readonly #garbage: MailGarbage
  readonly #timers = new DisposableStack()
  readonly #insert: (row: NewRow) => Promise<boolean>
  readonly #save: (mail: KeptMail) => Promise<boolean>
  #closed = false

  constructor(parts: MailStoreParts) {
    this.#parts = parts
    this.#mails = parts.mails
    this.#drafts = { spool: parts.spool, random: parts.random, memory: new DraftMemory() }
    this.#insert = gather(
      async (rows) => {
        const held = await parts.rows.insert(rows)
        return rows.map(() => held)
      },
      { pauseMs: TOGETHER_MS, togetherMax: TOGETHER_MAX },
    )
    this.#save = gather((mails) => this.#saveTogether(mails), { pauseMs: TOGETHER_MS, togetherMax: 200 })
    const insertsEnded = async (): Promise<void> => void (await Promise.allSettled(this.#inserting))
    this.#garbage = new MailGarbage({ ...parts, insertsEnded })
    this.#timers.use(parts.clock.every(COLLECT_MS, () => this.#garbage.tidy()))
    this.#timers.use(parts.clock.every(EXPIRE_MS, () => this.expire()))
  }

  /** Whether a mail can be kept now, as far as is known. */
  get available(): boolean {
    return !this.#closed && !this.#parts.fence.closed && this.#parts.keys.available
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
    return this.#parts.keys.ofAccount(account, place).flatMap((id) => this.#mails.get(id) ?? [])
  }

  /** How much waits in the mailbox of an account. */
  waiting(account: string): Waiting {
    return this.#mails.waiting(account)
  }

  /** Whether a copy waits in a mailbox. */
  hasCopy(source: string): boolean {
    return this.#mails.hasCopy(source)
  }

  find(id: string): KeptMail | undefined {
    return this.#mails.get(id)
  }

  /** Durable when it resolves. QueueError when nothing was kept. */
  async accept(mail: NewMail): Promise<OpenMail> {
    this.#assertOpen()
    if (!this.#hasRoom(mail)) throw new QueueError('QUEUE_FULL')
    const { envelope, header, draft } = mail
    const { key, bodyBytes } = draft
    const { place: body, plain } = await draft.take()
    const acceptedAt = Math.floor(this.#parts.clock.now() / 1000)
    const kept = {
      account: mail.account,
      place: mail.place,
      acceptedAt: acceptedAt * 1000,
      bodyBytes,
      spool: body.spool,
      domains: envelope.recipients.map(({ address }) => address.domain),
      key,
      state: { recipients: mail.recipients },
      source: mail.source,
    }
    const sealedKey = await this.#sealKey(kept, acceptedAt + Math.min(mail.keepSeconds, KEPT_SECONDS_MAX))
    const whole: KeptMail = { id: sealedKey.id, ...kept }
    await this.#settle(whole, {
      ...sealedKey,
      envelope: key.seal('envelope', encodeRecord({ envelope, bodyBytes, source: mail.source })),
      header: key.seal('header', header),
      body,
      acceptedAt,
    })
    this.#mails.add(whole)
    return this.#opened(whole, envelope, header, plain === undefined ? body : { plain })
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
    return this.#parts.keys.synced()
  }

  /** Deletes rows and files that nobody can read any more; resolves when they are gone. */
  async collect(): Promise<void> {
    await this.#garbage.collect()
  }

  /** Shreds what was kept for as long as it may. */
  async expire(): Promise<void> {
    const second = Math.floor(this.#parts.clock.now() / 1000)
    for (;;) {
      const due = this.#parts.keys.due(second)
      if (due.length === 0) break
      for (const id of due) {
        const mail = this.#mails.get(id)
        if (mail === undefined) this.#parts.keys.destroy(id)
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
    stack.use(this.#parts.owned)
    await Promise.allSettled(this.#inserting)
    await this.#garbage.tidy()
  }

  /** What is taken out of the queue, into a mailbox or by a report, has room: else a full store could never become less full. */
  #hasRoom({ place, isReport }: NewMail): boolean {
    const { mailsMax = MAILS_MAX } = this.#parts
    const most = mailsMax + (isReport === true ? Math.ceil(mailsMax / REPORTS_PART) : 0)
    return place !== 'outgoing' || this.#mails.size < most
  }

  /** Throws QueueError, and leaves nothing of the mail then. */
  async #sealKey(kept: KeyOwner & Pick<KeptMail, 'spool'>, due: number): Promise<SealedKey> {
    try {
      return this.#parts.keys.seal(kept, due)
    } catch (cause) {
      kept.key[Symbol.dispose]()
      if (kept.spool !== undefined) await this.#garbage.deleteFile(kept.spool)
      throw new QueueError(errorCode(cause) === 'KEYRING_FULL' ? 'QUEUE_FULL' : 'QUEUE_UNAVAILABLE', {
        cause,
      })
    }
  }

  /** Key synced and row committed. Throws QueueError, and leaves nothing of the mail then. */
  async #settle(mail: KeptMail, row: NewRow): Promise<void> {
    const outcomes = await Promise.allSettled([this.#insertRow(row), this.#parts.keys.synced()])
    const failed = outcomes.find(({ status }) => status === 'rejected')
    if (failed?.status !== 'rejected') return
    this.#destroy(mail)
    throw new QueueError('QUEUE_UNAVAILABLE', { cause: failed.reason })
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

  #opened(
    kept: KeptMail,
    envelope: Envelope,
    header: Buffer,
    body: BodyPlace | { readonly plain: readonly Buffer[] },
  ): OpenMail {
    const { bodyBytes, key } = kept
    const { spool } = this.#parts
    return {
      kept,
      envelope,
      heldBytes: header.length + ('plain' in body ? bodyBytes : (body.inline?.length ?? 0)),
      content: {
        header,
        bodyBytes,
        body: () => ('plain' in body ? readPlain(key, body.plain) : openBody(key, body, bodyBytes, spool)),
      },
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

  #destroy(mail: KeptMail): void {
    mail.key[Symbol.dispose]()
    this.#parts.keys.destroy(mail.id)
    this.#garbage.add(mail)
  }

  #assertOpen(): void {
    if (this.#closed || this.#parts.fence.closed) throw new QueueError('QUEUE_CLOSED')
    if (!this.#parts.keys.available) throw new QueueError('QUEUE_UNAVAILABLE')
  }
}
