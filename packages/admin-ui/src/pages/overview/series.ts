/** Which statistics the overview shows, and how. */
import type { Input } from '../../api/operations.ts'

type SeriesName = NonNullable<Input<'GET', '/v1/statistics/series'>['query']>['name']

/** Figures of the moment, or of the last day. */
export const FIGURES = [
  'accounts.active',
  'accounts.suspended',
  'chat.online',
  'chat.queue.messages',
  'chat.queue.age',
  'mail.queue.waiting',
  'mail.queue.held',
  'mail.queue.age',
  'chat.delivery',
  'chat.shred',
] as const satisfies readonly SeriesName[]

/** What is drawn over time. */
export const CHARTS = [
  'chat.online',
  'chat.messages.encrypted',
  'chat.delivery',
  'chat.queue.messages',
  'chat.shred',
  'mail.delivered',
  'mail.queue.waiting',
  'keys.lookups.found',
] as const satisfies readonly SeriesName[]

export type ChartName = (typeof CHARTS)[number]
