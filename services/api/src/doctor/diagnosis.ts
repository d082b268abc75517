/** What the doctor says of one thing, in words for whoever runs the server. */
export const AREAS = ['dns', 'ports', 'tls', 'clock', 'disk', 'postgres', 'keys', 'reputation'] as const
/** `wrong`: something does not work, or a promise is broken. `unknown`: it could not be found out from here. */
export const VERDICTS = ['ok', 'advice', 'wrong', 'unknown'] as const

export interface Diagnosis {
  readonly area: (typeof AREAS)[number]
  readonly verdict: (typeof VERDICTS)[number]
  readonly found: string
  /** What to do about it. */
  readonly advice?: string
}
