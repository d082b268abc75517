/** The API's words about policies, and the languages in which they are published. */
import type { PolicyVersion } from '../../api/types.ts'

export const KINDS: readonly PolicyVersion['kind'][] = [
  'terms',
  'acceptable-use',
  'privacy',
  'website-privacy',
  'sla',
  'guidelines',
]
