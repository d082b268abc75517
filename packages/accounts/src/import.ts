/** Creating many accounts at once: derivation on the thread pool with a bound, rows in batches, one report. */
import type { Jid } from '@sealpost/jid'
import type { Random } from '@sealpost/runtime'
import { AccountError } from './account.ts'
import { deriveVerifiers } from './credentials.ts'
import { OrganisationError } from './organisation.ts'
import { DEFAULT_PLAN, type PlanStore } from './plans.ts'
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
  | 'json'
  | 'plan'
  | 'organisation'
  | 'pool'
  | 'too-many-links'

/** An account that is wanted. Without a password it gets a link with which its owner chooses one. */
export interface ImportedAccount {
  readonly jid: Jid
  readonly password: string | undefined
  readonly line?: number
  readonly organisationId?: string | undefined
  readonly plan?: string | undefined
}

/** One line of an import: an account, or what is wrong with the line. Lines count from 1. */
export type ImportRow = ImportedAccount | { readonly line: number; readonly problem: ImportProblem }

/** A one-time link to choose the password of the account of a line. */
export interface ImportLink {
  readonly line: number
  readonly token: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** Line numbers only: a report never repeats a name or a password. Its only secrets are the links that were asked for. */
export interface ImportReport {
  readonly created: number
  /** Accounts that were there before; left as they are, also their password. */
  readonly exists: number
  /** Everything else that was not created. */
  readonly invalid: number
  /** The first 1,000 lines that created nothing, in order. */
  readonly problems: readonly { readonly line: number; readonly problem: ImportProblem }[]
  /** In order, IMPORT_LINKS_MAX at most: of accounts without a password, also of those that were there before and still have none. */
  readonly links: readonly ImportLink[]
}

/** Told after every batch. */
export type ImportProgress = (counts: Pick<ImportReport, 'created' | 'exists' | 'invalid'>) => void

const BATCH = 100
/** Passwords in derivation at a time. More would not be faster, and would make sign-ins wait behind an import in the pool. */
const DERIVATIONS_MAX = 4
const PROBLEMS_MAX = 1_000
/** Links of one import: they are all in its report. */
export const IMPORT_LINKS_MAX = 10_000

interface ImportParts {
  readonly store: AccountStore
  readonly random: Random
  readonly today: () => string
  readonly plans: Pick<PlanStore, 'list'>
  /** Makes a link to choose its password; one that was made before works no more. */
  readonly invite: (accountId: string) => Promise<{ readonly token: string; readonly expiresAt: number }>
  /** The id of an active account that nobody can sign in to yet. */
  readonly unclaimed: (jid: Jid) => Promise<string | undefined>
  /** Called with the number of accounts that are there now. */
  readonly created: (accounts: number) => Promise<void>
}

type Line = ImportedAccount & { readonly line: number }

export async function importAll(
  rows: AsyncIterable<ImportRow>,
  parts: ImportParts,
  onProgress: ImportProgress = () => {},
): Promise<ImportReport> {
  const report = new Report()
  const plans = new Set((await parts.plans.list()).map(({ name }) => name))
  let inserting: Promise<void> = Promise.resolve()
  for await (const batch of inBatches(numbered(rows))) {
    for (const row of batch) if ('problem' in row) report.refuse(row.line, row.problem)
    const lines = batch.filter((row) => 'jid' in row)
    const wanted = lines.filter((row) => !isRefused(row, plans, report))
    const fresh = await withoutTaken(wanted, parts, report)
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
  readonly #links: ImportLink[] = []
  #linksWanted = 0

  /** Room for one more link; false: there are too many. */
  wantLink(): boolean {
    this.#linksWanted += 1
    return this.#linksWanted <= IMPORT_LINKS_MAX
  }

  link(link: ImportLink): void {
    this.#links.push(link)
  }

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
    const byLine = (one: { line: number }, other: { line: number }) => one.line - other.line
    return { ...this.counts(), problems: this.#problems.sort(byLine), links: this.#links.sort(byLine) }
  }
}

type NumberedRow = Line | { readonly line: number; readonly problem: ImportProblem }

async function* numbered(rows: AsyncIterable<ImportRow>): AsyncGenerator<NumberedRow> {
  let count = 0
  for await (const row of rows) {
    count++
    yield 'problem' in row ? row : { ...row, line: row.line ?? count }
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

/** Accounts that exist cost no derivation: an interrupted import can simply be repeated, and its links are made anew. */
async function withoutTaken(
  rows: readonly Line[],
  { store, unclaimed, invite }: ImportParts,
  report: Report,
): Promise<Line[]> {
  const taken = await store.taken(rows.map((row) => nameOf(row.jid)))
  const fresh: Line[] = []
  for (const [index, row] of rows.entries()) {
    if (taken[index] !== true) {
      fresh.push(row)
      continue
    }
    report.refuse(row.line, 'exists')
    const id = row.password === undefined ? await unclaimed(row.jid) : undefined
    if (id !== undefined) report.link({ line: row.line, ...(await invite(id)) })
  }
  return fresh
}

function isRefused({ line, jid, password, plan }: Line, plans: ReadonlySet<string>, report: Report): boolean {
  const refuse = (problem: ImportProblem): true => {
    report.refuse(line, problem)
    return true
  }
  if (isReservedName(jid.local)) return refuse('reserved')
  if (plan !== undefined && plan !== DEFAULT_PLAN && !plans.has(plan)) return refuse('plan')
  return password === undefined && !report.wantLink() ? refuse('too-many-links') : false
}

type Derived = NewAccount & { readonly line: number }

async function deriveAll(rows: readonly Line[], random: Random, report: Report): Promise<Derived[]> {
  const derived: Derived[] = []
  const queue = rows.values()
  const worker = async () => {
    for (const { line, jid, password, organisationId, plan } of queue) {
      try {
        const verifiers = password === undefined ? [] : await deriveVerifiers(password, random)
        const given = { organisationId, plan: plan === DEFAULT_PLAN ? undefined : plan }
        derived.push({ id: random.uuid(), ...nameOf(jid), verifiers, ...given, line })
      } catch (error) {
        if (!(error instanceof AccountError)) throw error
        report.refuse(line, 'password')
      }
    }
  }
  await Promise.all(Array.from({ length: DERIVATIONS_MAX }, worker))
  return derived.sort((one, other) => one.line - other.line) // The first of two equal names is the one created.
}

async function insertBatch(rows: readonly Derived[], parts: ImportParts, report: Report): Promise<void> {
  if (rows.length === 0) return
  const { invite, created } = parts
  const results = await insertEach(rows, parts)
  for (const [index, row] of rows.entries()) {
    const result = results[index]
    if (result === 'created') {
      report.create()
      if (row.verifiers.length === 0) report.link({ line: row.line, ...(await invite(row.id)) })
    } else report.refuse(row.line, result ?? 'exists')
  }
  await created(results.filter((result) => result === 'created').length)
}

type EachResult = InsertResult | 'pool' | 'organisation'

/** What one organisation refuses keeps nobody else's accounts from being made. */
async function insertEach(rows: readonly Derived[], parts: ImportParts): Promise<EachResult[]> {
  try {
    return await parts.store.insert(rows, parts.today())
  } catch (error) {
    if (!(error instanceof OrganisationError)) throw error
    if (rows.length === 1) return [error.code === 'POOL_EXCEEDED' ? 'pool' : 'organisation']
    const results: EachResult[] = []
    for (const row of rows) results.push(...(await insertEach([row], parts)))
    return results
  }
}

function nameOf(jid: Jid) {
  return { domain: jid.domain, localpart: jid.local }
}
