/** The API's words about requests of authorities. */
import type { LegalRequest } from '../../api/types.ts'
import type { Tone } from '../../parts/state-badge.tsx'

type Words<K extends keyof LegalRequest> = readonly NonNullable<LegalRequest[K]>[]

export const KINDS: Words<'kind'> = [
  'subpoena',
  'court-order',
  'warrant',
  'treaty-request',
  'emergency',
  'other',
]
export const WAYS: Words<'received_how'> = ['post', 'courier', 'in-person', 'portal', 'email']
export const LETTERHEADS: Words<'letterhead'> = ['present', 'missing']
export const STATES: Words<'state'> = ['received', 'refused', 'reviewed', 'approved', 'produced']
export const SOUGHT: LegalRequest['sought'] = [
  'username',
  'creation-date',
  'last-use',
  'purchaser',
  'device-type',
]
/** Those that a person finds; the server finds the others. */
export const REFUSALS: LegalRequest['refused_because'] = [
  'not-authentic',
  'no-jurisdiction',
  'too-broad',
  'withdrawn',
  'no-username',
  'no-official-address',
  'no-letterhead',
  'service-by-email',
  'nothing-sought-that-exists',
]
export const TONES: Readonly<Record<LegalRequest['state'], Tone>> = {
  received: 'accent',
  refused: 'quiet',
  reviewed: 'accent',
  approved: 'warn',
  produced: 'good',
}
