/** The queue of outgoing mail: what is accepted here is delivered, or its sender is told (RFC 5321 §4.5.4.1, §6.1). */
import { assert } from '@sealpost/errors'
import type { Dispatcher } from './dispatcher.ts'
import type { MailQueue, MailToQueue } from './mail-queue.ts'
import type { HoldReason, Progress } from './mail-record.ts'
import { KEPT_SECONDS_MAX, type KeptMail, type MailStore } from './mail-store.ts'
import { SealedDraft } from './sealed-draft.ts'

/** A mail as operators see it: no address, no content. */
export interface QueuedMail {
  readonly id: string
  /** Undefined: from outside, or of our own making. */
  readonly accountId: string | undefined
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number
  readonly bytes: number
  readonly hold: HoldReason | undefined
  readonly recipients: readonly QueuedRecipient[]
}

/** One that is still to be served. */
export interface QueuedRecipient {
  readonly domain: string
  readonly attempts: number
  readonly nextAt: number
  /** What the last attempt came to; undefined: there was none. */
  readonly reason: { readonly code: number; readonly status: string } | undefined
}

/** What operators do. False: there is no such mail. */
export interface QueueOperations {
  /** Oldest first, at most `limit`. */
  list(limit: number, accountId?: string): QueuedMail[]
  show(id: string): QueuedMail | undefined
  /** Tries it now, whatever its schedule says. */
  retry(id: string): Promise<boolean>
  hold(id: string): Promise<boolean>
  release(id: string): Promise<boolean>
  /** Destroys it; nobody is told. */
  drop(id: string): Promise<boolean>
  /** Holds all that the account has sent, or lets it go again as far as it was held for this. */
  holdAccount(accountId: string): Promise<void>
  releaseAccount(accountId: string): Promise<void>
  /** Everything that the account has sent, or that waits for it, is destroyed when it resolves. */
  eraseAccount(accountId: string): Promise<void>
}

export interface QueueOptions {
  readonly store: MailStore
  readonly dispatcher: Pick<Dispatcher, 'add' | 'changed' | 'forget'>
  readonly now: () => number
}

export class Queue implements MailQueue, QueueOperations {
  readonly #options: QueueOptions

  constructor(options: QueueOptions) {
    this.#options = options
  }

  draft(): SealedDraft {
    return this.#options.store.draft()
  }

  async enqueue({ account, envelope, header, draft }: MailToQueue): Promise<string> {
    assert.ok(draft instanceof SealedDraft, 'a draft of this queue')
    // The first attempt is on record with the mail.
    const recipients = envelope.recipients.map((): Progress => ({
      done: false,
      attempts: 1,
      nextAt: 0,
      delayTold: false,
    }))
    const mail = { account, place: 'outgoing', envelope, header, draft, recipients } as const
    const opened = await this.#options.store.accept({ ...mail, keepSeconds: KEPT_SECONDS_MAX })
    this.#options.dispatcher.add(opened)
    return opened.kept.id
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

  retry(id: string): Promise<boolean> {
    return this.#change(id, (kept) => {
      const now = this.#options.now()
      for (const progress of kept.state.recipients) progress.nextAt = Math.min(progress.nextAt, now)
    })
  }

  hold(id: string): Promise<boolean> {
    return this.#change(id, ({ state }) => void (state.hold = 'operator'))
  }

  release(id: string): Promise<boolean> {
    return this.#change(id, ({ state }) => void (state.hold = undefined))
  }

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

  async holdAccount(accountId: string): Promise<void> {
    for (const { id, state } of this.#options.store.ofAccount(accountId, 'outgoing'))
      if (state.hold === undefined) await this.#change(id, (kept) => void (kept.state.hold = 'suspended'))
  }

  async releaseAccount(accountId: string): Promise<void> {
    for (const { id, state } of this.#options.store.ofAccount(accountId, 'outgoing'))
      if (state.hold === 'suspended') await this.release(id)
  }

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

  async #change(id: string, change: (kept: KeptMail) => void): Promise<boolean> {
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
      const reason = reply && { code: reply.code, status: reply.status }
      return done ? [] : [{ domain: domains[place] ?? '', attempts, nextAt: nextAt || acceptedAt, reason }]
    },
  )
  return { id, accountId, acceptedAt, bytes, hold: state.hold, recipients }
}
