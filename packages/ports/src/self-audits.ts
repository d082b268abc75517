/** What other services may ask about the self-audit of a service: whether what it shredded can be read from the disks. */

export const SELF_AUDIT_RESULTS = ['passed', 'failed', 'powerless', 'blind'] as const
export type SelfAuditResult = (typeof SELF_AUDIT_RESULTS)[number]

export interface SelfAuditState {
  /** Whether there are files to look at. */
  readonly possible: boolean
  readonly running: boolean
  /** `at`: milliseconds since the epoch. Undefined: there was none. */
  readonly last: { readonly at: number; readonly result: SelfAuditResult } | undefined
}

/** Rejects with PortError when the service is in another process and away. */
export interface SelfAudits {
  state(): Promise<SelfAuditState>
  /** Begins one now, which takes minutes. False: one is under way, or there are no files to look at. */
  begin(): Promise<boolean>
}
