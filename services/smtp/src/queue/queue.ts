/** The queue of outgoing mail: what is accepted here is delivered, or its sender is told (RFC 5321 §4.5.4.1, §6.1). */
import { assert } from '@sealpost/errors'
import type { MailChange, MailOperations, QueuedMail, QueuedReason, QueuedRecipient } from '@sealpost/ports'
import type { Dispatcher } from './dispatcher.ts'
import type { MailQueue, MailToQueue } from './mail-queue.ts'
import type { Progress, Reply } from './mail-record.ts'
import { KEPT_SECONDS_MAX, type KeptMail } from './kept-mail.ts'
import type { MailStore } from './mail-store.ts'
import { SealedDraft } from './sealed-draft.ts'

export interface QueueOptions {
  readonly store: MailStore
  readonly dispatcher: Pick<Dispatcher, 'add' | 'changed' | 'forget'>
  readonly now: () => number
}

export class Queue implements MailQueue, MailOperations {
  readonly #options: QueueOptions

  constructor(options: QueueOptions) {
    this.#options = options
  }

  draft(): SealedDraft {
    return this.#options.store.draft()
  }

  async enqueue({ account, envelope, header, draft, isReport = false }: MailToQueue): Promise<string> {
    assert.ok(draft instanceof SealedDraft, 'a draft of this queue')
    // The first attempt is on record with the mail.
    const recipients = envelope.recipients.map((): Progress => ({
      done: false,
      attempts: 1,
      nextAt: 0,
      delayTold: false,
    }))
    const mail = { account, place: 'outgoing', envelope, header, draft, isReport, recipients } as const
    const opened = await this.#options.store.accept({ ...mail, keepSeconds: KEPT_SECONDS_MAX })
    this.#options.dispatcher.add(opened)
    return opened.kept.id
  }

  async queued(limit: number, accountId?: string): Promise<QueuedMail[]> {
    return await Promise.resolve(this.list(limit, accountId))
  }

  async find(id: string): Promise<QueuedMail | undefined> {
    return await Promise.resolve(this.show(id))
  }

  change(id: string, change: MailChange): Promise<boolean> {
    return this[change](id)
  }

  /** Of all mails that wait, whoever's they are. */
  measure(): { waiting: number; held: number; oldestSeconds: number } {
    const now = this.#options.now()
    let [waiting, held, oldest] = [0, 0, now]
    for (const { place, state, acceptedAt } of this.#options.store.all()) {
      if (place !== 'outgoing') continue
      if (state.hold === undefined) waiting++
      else held++
      oldest = Math.min(oldest, acceptedAt)
    }
    return { waiting, held, oldestSeconds: (now - oldest) / 1000 }
  }

  list(limit: number, accountId?: string): QueuedMail[] {
    const { store } = this.#options
    const found = accountId === undefined ? [...store.all()] : store.ofAccount(accountId, 'outgoing')
    return found
      .filter(({ place }) => place === 'outgoing')
      .toSorted((a, b) => a.acceptedAt - b.acceptedAt)
      .slice(0, limit)
      .map(describe)
  }

  show(id: string): QueuedMail | undefined {
    const kept = this.#find(id)
    return kept && describe(kept)
  }

  /** Tries it now, whatever its schedule says. */
  retry(id: string): Promise<boolean> {
    return this.#update(id, (kept) => {
      const now = this.#options.now()
      for (const progress of kept.state.recipients) progress.nextAt = Math.min(progress.nextAt, now)
    })
  }

  hold(id: string): Promise<boolean> {
    return this.#update(id, ({ state }) => void (state.hold = 'operator'))
  }

  release(id: string): Promise<boolean> {
    return this.#update(id, ({ state }) => {
      if (state.hold !== undefined) state.releasedAt = this.#options.now()
      state.hold = undefined
    })
  }

  /** Destroys it; nobody is told. */
  async drop(id: string): Promise<boolean> {
    const kept = this.#find(id)
    if (kept === undefined) return false
    this.#destroy(kept)
    await this.#options.store.shredded()
    return true
  }

  /** Those with mails on their way out. */
  accounts(): Set<string> {
    const outgoing = [...this.#options.store.all()].filter(({ place }) => place === 'outgoing')
    return new Set(outgoing.flatMap(({ account }) => account ?? []))
  }

  /** Holds all that the account has sent, or lets it go again as far as it was held for this. */
  async holdAccount(accountId: string): Promise<void> {
    for (const { id, state } of this.#options.store.ofAccount(accountId, 'outgoing'))
      if (state.hold === undefined) await this.#update(id, (kept) => void (kept.state.hold = 'suspended'))
  }

  async releaseAccount(accountId: string): Promise<void> {
    for (const { id, state } of this.#options.store.ofAccount(accountId, 'outgoing'))
      if (state.hold === 'suspended') await this.release(id)
  }

  /** Everything that the account has sent, or that waits for it, is destroyed when it resolves. */
  async eraseAccount(accountId: string): Promise<void> {
    const { store } = this.#options
    for (const place of ['outgoing', 'mailbox'] as const)
      for (const kept of store.ofAccount(accountId, place)) this.#destroy(kept)
    await store.shredded()
    await store.collect()
  }

  #find(id: string): KeptMail | undefined {
    const kept = this.#options.store.find(id)
    return kept?.place === 'outgoing' ? kept : undefined
  }

  async #update(id: string, change: (kept: KeptMail) => void): Promise<boolean> {
    const kept = this.#find(id)
    if (kept === undefined) return false
    change(kept)
    await this.#options.store.save(kept)
    this.#options.dispatcher.changed(kept)
    return true
  }

  #destroy(kept: KeptMail): void {
    this.#options.dispatcher.forget(kept.id)
    this.#options.store.shred(kept)
  }
}

function describe(kept: KeptMail): QueuedMail {
  const { id, account: accountId, acceptedAt, bodyBytes: bytes, state, domains } = kept
  const recipients = state.recipients.flatMap(
    ({ done, attempts, nextAt, reply }, place): QueuedRecipient[] => {
      const reason = reply && reasonOf(reply)
      return done ? [] : [{ domain: domains[place] ?? '', attempts, nextAt: nextAt || acceptedAt, reason }]
    },
  )
  return { id, accountId, acceptedAt, bytes, hold: state.hold, recipients }
}

/** What a server wrote may name people, and stays here. */
function reasonOf({ code, status, text, host }: Reply): QueuedReason {
  return { code, status, words: host === undefined ? text : undefined }
}
