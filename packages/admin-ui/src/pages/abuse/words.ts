/** The API's words about reports of abuse. */
import type { AbuseReport } from '../../api/types.ts'
import type { Tone } from '../../parts/state-badge.tsx'

export const STATES: readonly AbuseReport['state'][] = ['new', 'in-work', 'closed']
export const OUTCOMES: readonly NonNullable<AbuseReport['outcome']>[] = [
  'acted',
  'unfounded',
  'duplicate',
  'no-action',
]
export const ACTIONS = ['warn', 'restrict', 'suspend', 'block'] as const
export const TONES: Readonly<Record<AbuseReport['state'], Tone>> = {
  new: 'warn',
  'in-work': 'accent',
  closed: 'quiet',
}
export const SOURCES: readonly AbuseReport['source'][] = ['form', 'account', 'chat', 'mail']
