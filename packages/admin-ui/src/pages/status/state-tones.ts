import type { PublicStatus } from '../../api/types.ts'
import type { Tone } from '../../parts/state-badge.tsx'

export const STATE_TONES: Readonly<Record<PublicStatus['state'], Tone>> = {
  up: 'good',
  degraded: 'warn',
  down: 'bad',
  maintenance: 'accent',
  unknown: 'quiet',
}
