/**
 * The self-audit: each week a service seals canaries as it does what people send; half of them are read back and shredded as by a delivery, the others wait. Then
 * the attacker of this package goes over the live database, its log and what else the operator has named, with the keyring as it is: it must read
 * nothing of the first, and all of the others, or nobody knows whether it could have.
 */
import { readFile, rename, writeFile } from 'node:fs/promises'
import { errorCode } from '@sealpost/errors'
import type { Log } from '@sealpost/log'
import type { Metrics } from '@sealpost/metrics'
import type { Clock } from '@sealpost/runtime'
import { runAttack } from './run-attack.ts'
import { type SelfAuditEvents, selfAuditEvents } from './self-audit-events.ts'

/**
 * `failed`: something that was taken can be read. `powerless`: the attacker did not find what waits, so that its finding nothing else proves nothing. `blind`: it could
 * not read the files.
 */
export type SelfAuditResult = (typeof RESULTS)[number]
const RESULTS = ['passed', 'failed', 'powerless', 'blind'] as const

export interface SelfAuditRecord {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly result: SelfAuditResult
}

export interface Canary {
  /** Of its row, and of its file if it has one. */
  readonly ids: readonly string[]
  /** Each stands in another part of it, and nowhere else. */
  readonly texts: readonly string[]
}

export interface PlantedCanaries {
  /** Read back and shredded, also on disk, when this is handed over. */
  readonly taken: readonly Canary[]
  readonly waiting: readonly Canary[]
  /** Shreds those that wait. */
  clear(): void
}

export interface SelfAuditOptions {
  /** Should the process die meanwhile, canaries are due after CANARY_SECONDS. Rejects when they cannot be sealed, or do not come back; it leaves none then. */
  readonly plant: () => Promise<PlantedCanaries>
  /** What the attacker has: the files of Postgres, archives, backups. None: there is no audit. */
  readonly directories: readonly string[]
  readonly keyringFile: string
  /** Where the last result is kept over restarts. */
  readonly recordFile: string
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Metrics
  /** Whose keyring it is, a word. */
  readonly keyring: 'xmpp' | 'smtp'
  /** From the canaries to the attack: longer than a checkpoint of Postgres lets files wait. */
  readonly settleMs?: number
}

/** What it does, and what it last came to. */
export interface SelfAuditState {
  /** Whether there are files to look at. */
  readonly possible: boolean
  readonly running: boolean
  readonly last: SelfAuditRecord | undefined
}

const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS
/** One that did not pass is repeated. */
const AGAIN_MS = 24 * HOUR_MS
const SETTLE_MS = 6 * 60_000
/** However large the database is. */
const ATTACK_MS_MAX = 12 * HOUR_MS
/** For how long a canary has to be readable. */
export const CANARY_SECONDS = (ATTACK_MS_MAX + HOUR_MS) / 1_000

export class SelfAudit implements AsyncDisposable {
  readonly #options: SelfAuditOptions
  readonly #events: SelfAuditEvents
  readonly #turns: Disposable
  readonly #stopping = new AbortController()
  #running: Promise<SelfAuditRecord> | undefined
  #last: SelfAuditRecord | undefined

  private constructor(options: SelfAuditOptions, last: SelfAuditRecord | undefined) {
    this.#options = options
    this.#events = selfAuditEvents(options.log, options.metrics, options.keyring)
    this.#last = last
    if (last !== undefined) this.#events.ended(last)
    this.#turns = options.clock.every(HOUR_MS, () => this.#turn())
  }

  static async open(options: SelfAuditOptions): Promise<SelfAudit> {
    return new SelfAudit(options, await readRecord(options.recordFile))
  }

  state(): Promise<SelfAuditState> {
    const running = this.#running !== undefined
    return Promise.resolve({ possible: this.#isPossible, running, last: this.#last })
  }

  /** Begins one now, which takes minutes. False: one is under way, or there are no files to look at. */
  begin(): Promise<boolean> {
    const begins = this.#isPossible && this.#running === undefined
    if (begins) void this.#attend()
    return Promise.resolve(begins)
  }

  /** One now, to its end. Rejects when canaries cannot be sealed, or the process stops meanwhile. */
  async run(): Promise<SelfAuditRecord> {
    this.#running ??= this.#run()
    try {
      return await this.#running
    } finally {
      this.#running = undefined
    }
  }

  get #isPossible(): boolean {
    return this.#options.directories.length > 0
  }

  async #turn(): Promise<void> {
    const pause = this.#last?.result === 'passed' ? WEEK_MS : AGAIN_MS
    if (this.#isPossible && this.#options.clock.now() - (this.#last?.at ?? 0) >= pause) await this.#attend()
  }

  async #attend(): Promise<void> {
    try {
      await this.run()
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#events.failed(error)
    }
  }

  async #run(): Promise<SelfAuditRecord> {
    const { plant, clock, recordFile } = this.#options
    const planted = await plant()
    try {
      await this.#settle()
      const result = await this.#attack(planted)
      this.#stopping.signal.throwIfAborted()
      const record = { at: clock.now(), result }
      await writeRecord(recordFile, record)
      this.#last = record
      this.#events.ended(record)
      return record
    } finally {
      planted.clear()
    }
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

  async #attack({ taken, waiting }: PlantedCanaries): Promise<SelfAuditResult> {
    const { directories, keyringFile } = this.#options
    const all = [...taken, ...waiting]
    const orders = {
      directories,
      keyrings: [keyringFile],
      ids: all.flatMap(({ ids }) => ids),
      canaries: all.flatMap(({ texts }) => texts),
    }
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ATTACK_MS_MAX)])
    const answer = await runAttack(orders, signal)
    if ('failed' in answer) return 'blind'
    const read = new Set(answer.read)
    if (taken.some(({ texts }) => texts.some((text) => read.has(text)))) return 'failed'
    return waiting.every(({ texts }) => texts.every((text) => read.has(text))) ? 'passed' : 'powerless'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#turns[Symbol.dispose]()
    this.#stopping.abort(new Error('the service stops'))
    await this.#running?.catch(() => undefined)
  }
}

/** One that is not there, or is not whole, is none. */
async function readRecord(path: string): Promise<SelfAuditRecord | undefined> {
  try {
    const { at, result } = JSON.parse(await readFile(path, 'utf8')) as Partial<SelfAuditRecord>
    const known = RESULTS.find((each) => each === result)
    return typeof at === 'number' && known !== undefined ? { at, result: known } : undefined
  } catch (error) {
    if (error instanceof SyntaxError || errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function writeRecord(path: string, record: SelfAuditRecord): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}
