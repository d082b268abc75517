/** Aggregate statistics by hour and by day. Retention: hours 31 days, days two years. One contract: store.test.ts. */
import type { Reading } from './readings.ts'

export const STEPS = ['hour', 'day'] as const
export type Step = (typeof STEPS)[number]

export interface StatisticsRow {
  readonly name: string
  readonly bucket: string
  /** When the hour or day began: milliseconds since the epoch. */
  readonly at: number
  readonly sum: number
  readonly samples: number
  readonly max: number
}

export interface StatisticsQuery {
  readonly step: Step
  readonly names: readonly string[]
  /** Milliseconds since the epoch: steps that began then or later, and before `until`. */
  readonly from: number
  readonly until: number
}

export interface StatisticsStore {
  /** Adds to the hour and the day of `at`. A series and bucket occurs once in a call. */
  add(at: number, readings: readonly Reading[]): Promise<void>
  /** By time, then name, then bucket. */
  read(query: StatisticsQuery): Promise<StatisticsRow[]>
  /** Steps of that length that began before. */
  erase(step: Step, before: number): Promise<void>
}

const STEP_MS: Readonly<Record<Step, number>> = { hour: 3_600_000, day: 86_400_000 }

/** When the hour or day (UTC) of an instant began. */
export function beginOf(step: Step, at: number): number {
  return Math.floor(at / STEP_MS[step]) * STEP_MS[step]
}
