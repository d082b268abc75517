/** The API's words about what people ask about their data. */
import type { ReceivedPrivacyRequest } from '../../api/types.ts'

export const KINDS: readonly ReceivedPrivacyRequest['kind'][] = [
  'access',
  'correction',
  'deletion',
  'portability',
  'objection',
]
export const STATES = ['open', 'overdue', 'answered', 'refused'] as const
