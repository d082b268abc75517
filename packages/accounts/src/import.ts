/** Creating many accounts at once: derivation on the thread pool with a bound, rows in batches, one report. */
import type { Jid } from '@sealpost/jid'
import type { Random } from '@sealpost/runtime'
import { AccountError } from './account.ts'
import { deriveVerifiers } from './credentials.ts'
import { isReservedName } from './reserved-names.ts'
import type { AccountStore, InsertResult, NewAccount } from './store.ts'

/** Why a line was not imported. */
export type ImportProblem =
  | 'exists'
  | 'retired'
  | 'reserved'
  | 'password'
  | 'username'
  | 'domain'
  | 'fields'
  | 'quotes'
  | 'encoding'
  | 'too-long'

/** One line of an import: an account, or what is wrong with the line. Lines count from 1. */
export type ImportRow =
  | { readonly jid: Jid; readonly password: string; readonly line?: number }
  | { readonly line: number; readonly problem: ImportProblem }

/** Line numbers only: a report never repeats a name or a password. */
export interface ImportReport {
  readonly created: number
  /** Accounts that were there before; left as they are, also their password. */
  readonly exists: number
  /** Everything else that was not created. */
  readonly invalid: number
  /** The first 1,000 lines that created nothing, in order. */
  readonly problems: readonly { readonly line: number; readonly problem: ImportProblem }[]
}

/** Told after every batch. */
export type ImportProgress = (counts: Pick<ImportReport, 'created' | 'exists' | 'invalid'>) => void

const BATCH = 100
/** Passwords in derivation at a time. More would not be faster, and would make sign-ins wait behind an import in the pool. */
const DERIVATIONS_MAX = 4
const PROBLEMS_MAX = 1_000

interface ImportParts {
  readonly store: AccountStore
  readonly random: Random
  readonly today: () => string
  /** Called with the number of accounts that are there now. */
  readonly created: (accounts: number) => Promise<void>
}

interface Line {
  readonly line: number
  readonly jid: Jid
  readonly password: string
}

export async function importAll(
  rows: AsyncIterable<ImportRow>,
  parts: ImportParts,
  onProgress: ImportProgress = () => {},
): Promise<ImportReport> {
  const report = new Report()
  let inserting: Promise<void> = Promise.resolve()
  for await (const batch of inBatches(numbered(rows))) {
    for (const row of batch) if ('problem' in row) report.refuse(row.line, row.problem)
    const wanted = batch.filter((row) => 'jid' in row).filter((row) => !refuseReserved(row, report))
    const fresh = await withoutTaken(wanted, parts.store, report)
    const derived = await deriveAll(fresh, parts.random, report)
    await inserting // One batch is inserted while the next is derived.
    inserting = insertBatch(derived, parts, report)
    inserting.catch(() => {}) // Thrown where it is awaited, above or below.
    onProgress(report.counts())
  }
  await inserting
  onProgress(report.counts())
  return report.finish()
}

class Report {
  #created = 0
  #exists = 0
  #invalid = 0
  readonly #problems: { line: number; problem: ImportProblem }[] = []

  create(): void {
    this.#created++
  }

  refuse(line: number, problem: ImportProblem): void {
    if (problem === 'exists') this.#exists++
    else this.#invalid++
    if (this.#problems.length < PROBLEMS_MAX) this.#problems.push({ line, problem })
  }

  counts() {
    return { created: this.#created, exists: this.#exists, invalid: this.#invalid }
  }

  finish(): ImportReport {
    return { ...this.counts(), problems: this.#problems.sort((one, other) => one.line - other.line) }
  }
}

type NumberedRow = Line | { readonly line: number; readonly problem: ImportProblem }

async function* numbered(rows: AsyncIterable<ImportRow>): AsyncGenerator<NumberedRow> {
  let count = 0
  for await (const row of rows) {
    count++
    yield 'problem' in row ? row : { line: row.line ?? count, jid: row.jid, password: row.password }
  }
}

async function* inBatches(rows: AsyncIterable<NumberedRow>): AsyncGenerator<NumberedRow[]> {
  let batch: NumberedRow[] = []
  for await (const row of rows) {
    batch.push(row)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** Accounts that exist cost no derivation: an interrupted import can simply be repeated. */
async function withoutTaken(rows: readonly Line[], store: AccountStore, report: Report): Promise<Line[]> {
  const taken = await store.taken(rows.map((row) => nameOf(row.jid)))
  return rows.filter((row, index) => {
    if (taken[index] === true) report.refuse(row.line, 'exists')
    return taken[index] !== true
  })
}

function refuseReserved({ line, jid }: Line, report: Report): boolean {
  const reserved = isReservedName(jid.local)
  if (reserved) report.refuse(line, 'reserved')
  return reserved
}

type Derived = NewAccount & { readonly line: number }

async function deriveAll(rows: readonly Line[], random: Random, report: Report): Promise<Derived[]> {
  const derived: Derived[] = []
  const queue = rows.values()
  const worker = async () => {
    for (const { line, jid, password } of queue) {
      try {
        const verifiers = await deriveVerifiers(password, random)
        derived.push({ id: random.uuid(), ...nameOf(jid), verifiers, line })
      } catch (error) {
        if (!(error instanceof AccountError)) throw error
        report.refuse(line, 'password')
      }
    }
  }
  await Promise.all(Array.from({ length: DERIVATIONS_MAX }, worker))
  return derived.sort((one, other) => one.line - other.line) // The first of two equal names is the one created.
}

async function insertBatch(
  rows: readonly Derived[],
  { store, today, created }: ImportParts,
  report: Report,
): Promise<void> {
  if (rows.length === 0) return
  const results: InsertResult[] = await store.insert(rows, today())
  for (const [index, row] of rows.entries()) {
    const result = results[index]
    if (result === 'created') report.create()
    else report.refuse(row.line, result ?? 'exists')
  }
  await created(results.filter((result) => result === 'created').length)
}

function nameOf(jid: Jid) {
  return { domain: jid.domain, localpart: jid.local }
}
