/** The operator's policies, their versions, and who agreed to them. Retention: the migration says it. One contract: store.test.ts. Days are in UTC. */

export const POLICY_KINDS = [
  'terms',
  'acceptable-use',
  'privacy',
  'website-privacy',
  'sla',
  'guidelines',
] as const
export type PolicyKind = (typeof POLICY_KINDS)[number]

export interface PolicyText {
  /** RFC 5646. */
  readonly language: string
  readonly title: string
  /** Plain; an empty line ends a paragraph. */
  readonly body: string
}

export interface PolicyVersion {
  readonly kind: PolicyKind
  /** From 1. */
  readonly version: number
  readonly publishedOn: string
  readonly effectiveOn: string
  /** Languages of its texts, in order. */
  readonly languages: readonly string[]
  /** Of an amendment: the notice that tells of it. */
  readonly noticeId: string | undefined
}

export interface Acceptance {
  readonly kind: PolicyKind
  readonly version: number
  readonly acceptedOn: string
}

export interface PolicyStore {
  /** With its first text, as version `version.version`. False when there is such a version already. */
  add(version: PolicyVersion, text: PolicyText): Promise<boolean>
  /** False when there is a text in this language, or no such version. */
  addText(kind: PolicyKind, version: number, text: PolicyText): Promise<boolean>
  /** All versions of all kinds, the newest first. */
  versions(): Promise<PolicyVersion[]>
  text(kind: PolicyKind, version: number, language: string): Promise<PolicyText | undefined>
  /** Again changes nothing. */
  accept(accountId: string, acceptance: Acceptance): Promise<void>
  accepted(accountId: string): Promise<Acceptance[]>
  /** How many agreed to a version, those whose accounts were erased included. */
  acceptances(kind: PolicyKind, version: number): Promise<number>
  /** Counts, and forgets who it was. */
  eraseAccount(accountId: string): Promise<void>
}
