/**
 * The self-audit: each week canaries are sealed as messages are; half of them are read back and shredded as a device's acknowledgement does it, the others wait. Then
 * the attacker of packages/forensics goes over the live database, its log and what else the operator has named, with the keyring as it is: it must read
 * none of the first, and all of the others, or nobody knows whether it could have. Canaries belong to no account.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { errorCode } from '@sealpost/errors'
import type { Clock, Random } from '@sealpost/runtime'
import type { QueueKey, SealedStore } from '../delivery/sealed-store/sealed-store.ts'
import type { XmppEvents } from '../events.ts'
import { runAttack } from './run-attack.ts'

/**
 * `failed`: something that was taken can be read. `powerless`: the attacker did not find what waits, so that its finding nothing else proves nothing. `blind`: it could
 * not read the files.
 */
export type SelfAuditResult = 'passed' | 'failed' | 'powerless' | 'blind'

export interface SelfAuditRecord {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly result: SelfAuditResult
}

export interface SelfAuditOptions {
  readonly store: Pick<SealedStore, 'append' | 'read' | 'shred' | 'shredded'>
  /** What the attacker has: the files of Postgres, archives, backups. None: there is no audit. */
  readonly directories: readonly string[]
  readonly keyringFile: string
  /** Where the last result is kept over restarts. */
  readonly recordFile: string
  readonly clock: Clock
  readonly random: Pick<Random, 'uuid' | 'token'>
  readonly events: Pick<XmppEvents, 'selfAudited' | 'taskFailed'>
  /** From the canaries to the attack: longer than a checkpoint of Postgres lets files wait. */
  readonly settleMs?: number
}

const CANARIES = 8
const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS
/** One that did not pass is repeated. */
const AGAIN_MS = 24 * HOUR_MS
const SETTLE_MS = 6 * 60_000
/** However large the database is. */
const ATTACK_MS_MAX = 12 * HOUR_MS
/** Should the process die meanwhile, they go by themselves. */
const DUE_SECONDS = (ATTACK_MS_MAX + HOUR_MS) / 1_000
const TEXT_BYTES = 24
const ROWS_MAX = 2 * CANARIES
const BYTES_MAX = 1024 * 1024

interface Canary {
  readonly id: string
  readonly text: string
}

export class SelfAudit implements AsyncDisposable {
  readonly #options: SelfAuditOptions
  readonly #turns: Disposable
  readonly #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #last: SelfAuditRecord | undefined

  private constructor(options: SelfAuditOptions, last: SelfAuditRecord | undefined) {
    this.#options = options
    this.#last = last
    if (last !== undefined) options.events.selfAudited(last)
    this.#turns = options.clock.every(HOUR_MS, () => this.#turn())
  }

  static async open(options: SelfAuditOptions): Promise<SelfAudit> {
    return new SelfAudit(options, await readRecord(options.recordFile))
  }

  async #turn(): Promise<void> {
    const { clock, directories, events } = this.#options
    const pause = this.#last?.result === 'passed' ? WEEK_MS : AGAIN_MS
    if (directories.length === 0 || clock.now() - (this.#last?.at ?? 0) < pause) return
    await this.run().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) events.taskFailed(error)
    })
  }

  /** Now. Rejects when canaries cannot be sealed, or the relay stops meanwhile. */
  run(): Promise<SelfAuditRecord> {
    const run = this.#run()
    this.#running = run.catch(() => undefined)
    return run
  }

  async #run(): Promise<SelfAuditRecord> {
    const { store, clock, events, recordFile } = this.#options
    const [taken, waiting] = [await this.#plant(), await this.#plant()]
    try {
      await this.#take(taken)
      await this.#settle()
      const result = await this.#attack(taken.canaries, waiting.canaries)
      this.#stopping.signal.throwIfAborted()
      const record = { at: clock.now(), result }
      await writeRecord(recordFile, record)
      this.#last = record
      events.selfAudited(record)
      return record
    } finally {
      store.shred([...taken.canaries, ...waiting.canaries].map(({ id }) => id))
    }
  }

  async #plant(): Promise<{ readonly queue: QueueKey; readonly canaries: readonly Canary[] }> {
    const { store, random, clock } = this.#options
    const queue = { account: random.uuid(), device: random.uuid() }
    const due = Math.ceil(clock.now() / 1_000) + DUE_SECONDS
    const entries = Array.from({ length: CANARIES / 2 }, () => {
      const text = random.token(TEXT_BYTES)
      return { text, ...store.append(queue, Buffer.from(text), due, 'message') }
    })
    await Promise.all(entries.map(({ stored }) => stored))
    return { queue, canaries: entries.map(({ id, text }) => ({ id, text })) }
  }

  /** As a device does: reads, acknowledges. */
  async #take({ queue, canaries }: { queue: QueueKey; canaries: readonly Canary[] }): Promise<void> {
    const { store } = this.#options
    const read = await store.read(queue, 0, ROWS_MAX, BYTES_MAX)
    const texts = read.map(({ plaintext }) => plaintext.toString())
    for (const { plaintext } of read) plaintext.fill(0)
    if (!canaries.every(({ text }) => texts.includes(text))) throw new Error('canaries did not come back')
    store.shred(canaries.map(({ id }) => id))
    await store.shredded()
  }

  async #settle(): Promise<void> {
    const { clock, settleMs = SETTLE_MS } = this.#options
    this.#stopping.signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const wait = clock.after(settleMs, resolve)
    const { signal } = this.#stopping
    signal.addEventListener('abort', () => {
      wait[Symbol.dispose]()
      reject(signal.reason as Error)
    })
    await promise
  }

  async #attack(taken: readonly Canary[], waiting: readonly Canary[]): Promise<SelfAuditResult> {
    const { directories, keyringFile } = this.#options
    const all = [...taken, ...waiting]
    const orders = {
      directories,
      keyrings: [keyringFile],
      ids: all.map(({ id }) => id),
      canaries: all.map(({ text }) => text),
    }
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ATTACK_MS_MAX)])
    const answer = await runAttack(orders, signal)
    if ('failed' in answer) return 'blind'
    const isRead = ({ text }: Canary): boolean => answer.read.includes(text)
    if (taken.some(isRead)) return 'failed'
    return waiting.every(isRead) ? 'passed' : 'powerless'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#turns[Symbol.dispose]()
    this.#stopping.abort(new Error('the relay stops'))
    await this.#running
  }
}

/** One that is not there, or is not whole, is none. */
async function readRecord(path: string): Promise<SelfAuditRecord | undefined> {
  try {
    const { at, result } = JSON.parse(await readFile(path, 'utf8')) as Partial<SelfAuditRecord>
    const isKnown = result !== undefined && ['passed', 'failed', 'powerless', 'blind'].includes(result)
    return typeof at === 'number' && isKnown ? { at, result } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function writeRecord(path: string, record: SelfAuditRecord): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}
