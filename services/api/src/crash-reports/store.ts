/** Crash reports without their senders. Retention: 30 days; of each kind at most TRACES_MAX whole ones. One contract: store.test.ts. */

export interface CrashOrigin {
  readonly application: string
  readonly version: string
  readonly platform: string
}

export interface CrashReport extends CrashOrigin {
  /** Hex, 32 digits. */
  readonly signature: string
  /** UTC, YYYY-MM-DD. */
  readonly day: string
  readonly title: string
  /** Scrubbed. */
  readonly trace: string
}

/** A kind of crash. */
export interface CrashGroup {
  readonly signature: string
  readonly title: string
  readonly count: number
  readonly firstOn: string
  readonly lastOn: string
  readonly applications: readonly string[]
}

export interface CrashTrace extends CrashOrigin {
  readonly day: string
  readonly trace: string
}

export const TRACES_MAX = 20
/** Kinds and days; what comes beyond is only as good as one more of a known kind. */
export const COUNTS_MAX = 10_000

export interface CrashStore {
  /** False: there are too many kinds. */
  add(report: CrashReport): Promise<boolean>
  /** The most frequent first, then by signature. */
  groups(limit: number): Promise<CrashGroup[]>
  /** The newest first. */
  traces(signature: string): Promise<CrashTrace[]>
  /** Days before. */
  erase(before: string): Promise<void>
}
