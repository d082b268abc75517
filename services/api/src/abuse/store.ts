/** Where reports of abuse are kept. Days as YYYY-MM-DD. One contract: store.test.ts. */
import type { Tell } from '../webhooks/webhooks.ts'

export const ABUSE_CATEGORIES = ['spam', 'fraud', 'malware', 'harassment', 'illegal', 'other'] as const
export type AbuseCategory = (typeof ABUSE_CATEGORIES)[number]
export const ABUSE_STATES = ['new', 'in-work', 'closed'] as const
export type AbuseState = (typeof ABUSE_STATES)[number]
export const ABUSE_OUTCOMES = ['acted', 'unfounded', 'duplicate', 'no-action'] as const
export type AbuseOutcome = (typeof ABUSE_OUTCOMES)[number]
export const ABUSE_ACTIONS = ['warn', 'restrict', 'suspend', 'block'] as const
export type AbuseAction = (typeof ABUSE_ACTIONS)[number]
export const ABUSE_SOURCES = ['form', 'account', 'chat', 'mail'] as const
export type AbuseSource = (typeof ABUSE_SOURCES)[number]

export interface StoredReport {
  readonly id: string
  readonly source: AbuseSource
  readonly category: AbuseCategory
  /** First and last name and a contact were given. */
  readonly named: boolean
  readonly accountId: string | undefined
  readonly reporterId: string | undefined
  /** Sealed. */
  readonly reporter: Buffer | undefined
  readonly content: Buffer | undefined
  readonly state: AbuseState
  readonly outcome: AbuseOutcome | undefined
  readonly actions: readonly string[]
  readonly receivedOn: string
  readonly closedOn: string | undefined
}

export interface ReportQuery {
  readonly state?: AbuseState | undefined
  readonly named?: boolean | undefined
  readonly source?: AbuseSource | undefined
  readonly accountId?: string | undefined
  /** The last of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

export type ReportChange = Partial<Pick<StoredReport, 'state' | 'outcome' | 'closedOn'>>

export interface ReportCount {
  readonly source: AbuseSource
  readonly category: AbuseCategory
  readonly named: boolean
  readonly state: AbuseState
  readonly outcome: AbuseOutcome | undefined
  readonly count: number
}

/** `tell` is called in the transaction of the change, if there is one: in memory nobody is told. */
export interface AbuseStore {
  /** False when `openMax` of its kind, named or not, are open already. One with an id that is there already is left as it is. */
  add(report: StoredReport, openMax: number, tell?: Tell): Promise<boolean>
  find(id: string): Promise<StoredReport | undefined>
  /** By id. */
  list(query: ReportQuery): Promise<StoredReport[]>
  /** Undefined when there is no such report. */
  change(id: string, change: ReportChange, tell?: Tell): Promise<StoredReport | undefined>
  acted(id: string, action: AbuseAction): Promise<void>
  counts(): Promise<ReportCount[]>
  /** Reports about the account go; of those it made, the reporter. */
  eraseAccount(accountId: string): Promise<void>
  eraseOld(closedBefore: string, receivedBefore: string): Promise<void>
}
