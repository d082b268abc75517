/** Which statistics the panel shows, and where. */
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

/** What the overview draws over time. */
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

/** Everything that is counted, by area. */
export const AREAS = {
  accounts: ['accounts.active', 'accounts.suspended', 'accounts.terminated'],
  chat: [
    'chat.online',
    'chat.messages.encrypted',
    'chat.messages.receipt',
    'chat.messages.call',
    'chat.messages.ephemeral',
    'chat.messages.plaintext',
    'chat.delivery',
    'chat.shred',
    'chat.queue.messages',
    'chat.queue.bytes',
    'chat.queue.age',
  ],
  mail: [
    'mail.received',
    'mail.delivered',
    'mail.deferred',
    'mail.failed',
    'mail.delivery',
    'mail.queue.waiting',
    'mail.queue.held',
    'mail.queue.age',
  ],
  keys: ['keys.lookups.found', 'keys.lookups.missed', 'keys.submitted'],
  other: ['voice.credentials', 'api.requests'],
} as const satisfies Record<string, readonly SeriesName[]>

export type ShownSeries = (typeof AREAS)[keyof typeof AREAS][number]
