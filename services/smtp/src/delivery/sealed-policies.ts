/**
 * Policies of MTA-STS over a restart, so that nobody hides one by blocking DNS or HTTPS just then (RFC 8461 §10.2). Together they are a list of the domains that people here
 * write to: it is kept as mails are, sealed under a key in the keyring, and what was kept before is destroyed each time it is written anew.
 */
import { DbError } from '@sealpost/db'
import { errorCode } from '@sealpost/errors'
import type { Clock } from '@sealpost/runtime'
import type { KeptMail } from '../queue/kept-mail.ts'
import type { MailStore } from '../queue/mail-store.ts'
import { keepNote, notesOf, readNote } from '../queue/note.ts'
import { KnownPolicies } from './known-policies.ts'
import type { StsPolicy } from './mta-sts.ts'

/** A policy that was learned later may be lost to a crash, and is fetched again. */
const SAVE_MS = 60_000
/** Written anew, changed or not, without what does not hold any more. */
const ANEW_MS = 24 * 60 * 60_000
const KEEP_SECONDS = 30 * 24 * 60 * 60
/** Of what `KnownPolicies` holds at most, each character six bytes in JSON. */
const BYTES_MAX = 32 * 1024 * 1024
const MODES: readonly unknown[] = ['enforce', 'testing', 'none'] satisfies StsPolicy['mode'][]

export interface SealedPoliciesOptions {
  readonly store: MailStore
  readonly clock: Clock
  /** Of what could not be kept, or not be read any more. */
  readonly onError: (code: string) => void
}

export class SealedPolicies implements AsyncDisposable {
  readonly known = new KnownPolicies()
  readonly #options: SealedPoliciesOptions
  readonly #timers = new DisposableStack()
  #saving = Promise.resolve()
  /** One, or more after a crash. */
  #kept: readonly KeptMail[] = []
  #savedAt = 0

  private constructor(options: SealedPoliciesOptions) {
    this.#options = options
  }

  /** With what holds of what was kept before. Throws DbError. */
  static async open(options: SealedPoliciesOptions): Promise<SealedPolicies> {
    const policies = new SealedPolicies(options)
    await policies.#load()
    policies.#timers.use(options.clock.every(SAVE_MS, () => policies.save()))
    return policies
  }

  /** Durable when it resolves, what was kept before unreadable. Does nothing where nothing has changed for less than a day; tried again in a minute if it fails. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save())
    return this.#saving
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timers.dispose()
    await this.save()
  }

  async #save(): Promise<void> {
    const { store, clock, onError } = this.#options
    const now = clock.now()
    if (!this.known.isChanged && now - this.#savedAt < ANEW_MS) return
    this.known.isChanged = false
    const holding = this.known.holding(now)
    try {
      const note = { place: 'policies', keepSeconds: KEEP_SECONDS } as const
      const kept = holding.length === 0 ? [] : [await keepNote(store, note, encode(holding))]
      for (const before of this.#kept) store.shred(before)
      this.#kept = kept
      this.#savedAt = now
    } catch (error) {
      this.known.isChanged = true
      onError(errorCode(error))
    }
  }

  /** Of two that a crash has left both count: each policy says how long it holds. */
  async #load(): Promise<void> {
    const { store, clock, onError } = this.#options
    this.#kept = notesOf(store, 'policies')
    for (const kept of this.#kept) {
      try {
        const bytes = await readNote(store, kept, BYTES_MAX)
        for (const entry of bytes === undefined ? [] : decode(bytes)) this.#restore(entry)
      } catch (error) {
        if (error instanceof DbError) throw error
        onError(errorCode(error))
      }
    }
    this.#savedAt = clock.now()
    this.known.isChanged = this.#kept.length > 1
  }

  #restore({ domain, id, until, policy }: Entry): void {
    if (until <= Math.max(this.#options.clock.now(), this.known.get(domain)?.until ?? 0)) return
    this.known.keep(domain, { id, policy, until, againAt: 0 })
  }
}

interface Entry {
  readonly domain: string
  readonly id: string
  readonly until: number
  readonly policy: StsPolicy
}

function encode(holding: ReturnType<KnownPolicies['holding']>): Buffer {
  const entries = holding.map(([domain, { id, until }, policy]): Entry => ({ domain, id, until, policy }))
  return Buffer.from(JSON.stringify(entries))
}

/** What is not of our making is left out. */
function decode(bytes: Buffer): Entry[] {
  const entries: unknown = JSON.parse(bytes.toString())
  return Array.isArray(entries) ? entries.filter(isEntry) : []
}

function isEntry(entry: unknown): entry is Entry {
  const { domain, id, until, policy } = Object(entry) as { [Name in keyof Entry]?: unknown }
  const { mode, mx, maxAgeSeconds } = Object(policy) as { [Name in keyof StsPolicy]?: unknown }
  const areNames = Array.isArray(mx) && mx.every((name) => typeof name === 'string')
  const isPolicy = MODES.includes(mode) && areNames && Number.isSafeInteger(maxAgeSeconds)
  return typeof domain === 'string' && typeof id === 'string' && Number.isSafeInteger(until) && isPolicy
}
