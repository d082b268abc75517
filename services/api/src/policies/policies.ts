/**
 * The operator's policies: versions that never change, in force from a day on. An amendment is announced thirty days before it is in force. Whoever agrees is on
 * record, with the day and the version.
 */
import type { Clock, Random } from '@sealpost/runtime'
import { addDays, dayOf } from '../day.ts'
import { RightsError } from '../rights-error.ts'
import type { Acceptance, PolicyKind, PolicyStore, PolicyText, PolicyVersion } from './store.ts'

/** Days between the publication of an amendment and the first day on which it is in force. */
export const AMENDMENT_NOTICE_DAYS = 30
/** Those that accounts agree to; guidelines for authorities and the policy of the website bind nobody who has one. */
export const ACCEPTED_KINDS: readonly PolicyKind[] = ['terms', 'acceptable-use', 'privacy', 'sla']
const VERSION_TRIES_MAX = 5

export interface PolicyDocument extends PolicyVersion {
  readonly text: PolicyText
}

/** What one account has to do with one policy. */
export interface PolicyOfAccount {
  readonly kind: PolicyKind
  /** In force today; undefined: none yet. */
  readonly current: PolicyVersion | undefined
  /** Published, and in force later. */
  readonly upcoming: PolicyVersion | undefined
  /** The newest version that the account agreed to. */
  readonly accepted: Acceptance | undefined
  /** The version in force waits for "I agree". */
  readonly toAccept: boolean
}

/** Tells everybody of an amendment: once for each id, however often it is called. */
export type AnnounceAmendment = (amendment: {
  readonly noticeId: string
  readonly version: PolicyVersion
  readonly title: string
}) => Promise<void>

/** Refusals are RightsErrors. */
export interface Policies {
  /** The next version of its kind, with its first text. Throws POLICY_TOO_SOON, POLICY_IN_PAST. */
  publish(kind: PolicyKind, effectiveOn: string, text: PolicyText): Promise<PolicyVersion>
  /** Throws POLICY_UNKNOWN, POLICY_TEXT_EXISTS. */
  translate(kind: PolicyKind, version: number, text: PolicyText): Promise<PolicyVersion>
  /** All of them, the newest of each kind first. */
  versions(): Promise<PolicyVersion[]>
  /** The version in force unless told; in this language if there is one, else English, else any. Throws POLICY_UNKNOWN. */
  document(kind: PolicyKind, version?: number, language?: string): Promise<PolicyDocument>
  acceptances(kind: PolicyKind, version: number): Promise<number>
  ofAccount(accountId: string): Promise<PolicyOfAccount[]>
  /** Throws POLICY_UNKNOWN, POLICY_NOT_ACCEPTED, POLICY_NOT_IN_FORCE. */
  accept(accountId: string, kind: PolicyKind, version: number): Promise<void>
  accepted(accountId: string): Promise<Acceptance[]>
  eraseAccount(accountId: string): Promise<void>
  /** Tells of amendments that were published when the process was killed. At the start, and hourly. */
  announce(): Promise<void>
}

export interface PoliciesOptions {
  readonly store: PolicyStore
  readonly announceAmendment: AnnounceAmendment
  readonly clock: Pick<Clock, 'now'>
  readonly random: Pick<Random, 'uuid'>
}

export function createPolicies(options: PoliciesOptions): Policies {
  return new StoredPolicies(options)
}

class StoredPolicies implements Policies {
  readonly #options: PoliciesOptions

  constructor(options: PoliciesOptions) {
    this.#options = options
  }

  async publish(kind: PolicyKind, effectiveOn: string, text: PolicyText): Promise<PolicyVersion> {
    const { store, random } = this.#options
    const publishedOn = this.#today()
    for (let tries = 0; tries < VERSION_TRIES_MAX; tries += 1) {
      const version = ((await this.#ofKind(kind))[0]?.version ?? 0) + 1
      const amends = version > 1
      if (amends && effectiveOn < addDays(publishedOn, AMENDMENT_NOTICE_DAYS))
        throw new RightsError('POLICY_TOO_SOON')
      if (effectiveOn < publishedOn) throw new RightsError('POLICY_IN_PAST')
      const noticeId = amends ? random.uuid() : undefined
      const languages = [text.language]
      const published = { kind, version, publishedOn, effectiveOn, languages, noticeId }
      if (!(await store.add(published, text))) continue // Somebody else was faster.
      await this.#tell(published)
      return published
    }
    throw new Error('policies are published faster than they can be numbered')
  }

  async translate(kind: PolicyKind, version: number, text: PolicyText): Promise<PolicyVersion> {
    await this.#find(kind, version)
    if (!(await this.#options.store.addText(kind, version, text))) throw new RightsError('POLICY_TEXT_EXISTS')
    return this.#find(kind, version)
  }

  versions(): Promise<PolicyVersion[]> {
    return this.#options.store.versions()
  }

  async document(kind: PolicyKind, version?: number, language = 'en'): Promise<PolicyDocument> {
    const found =
      version === undefined ? this.#inForce(await this.#ofKind(kind)) : await this.#find(kind, version)
    const chosen = [language, 'en', ...(found?.languages ?? [])].find((each) =>
      found?.languages.includes(each),
    )
    const text = found && chosen && (await this.#options.store.text(found.kind, found.version, chosen))
    if (!found || !text) throw new RightsError('POLICY_UNKNOWN')
    return { ...found, text }
  }

  acceptances(kind: PolicyKind, version: number): Promise<number> {
    return this.#options.store.acceptances(kind, version)
  }

  async ofAccount(accountId: string): Promise<PolicyOfAccount[]> {
    const versions = await this.versions()
    const accepted = await this.accepted(accountId)
    return ACCEPTED_KINDS.map((kind) => {
      const ofKind = versions.filter((each) => each.kind === kind)
      const current = this.#inForce(ofKind)
      const newest = accepted.findLast((each) => each.kind === kind)
      return {
        kind,
        current,
        upcoming: ofKind.find(({ effectiveOn }) => effectiveOn > this.#today()),
        accepted: newest,
        toAccept: current !== undefined && (newest?.version ?? 0) < current.version,
      }
    }).filter(({ current, upcoming }) => (current ?? upcoming) !== undefined)
  }

  async accept(accountId: string, kind: PolicyKind, version: number): Promise<void> {
    if (!ACCEPTED_KINDS.includes(kind)) throw new RightsError('POLICY_NOT_ACCEPTED')
    await this.#find(kind, version)
    const current = this.#inForce(await this.#ofKind(kind))
    if (version < (current?.version ?? 1)) throw new RightsError('POLICY_NOT_IN_FORCE')
    await this.#options.store.accept(accountId, { kind, version, acceptedOn: this.#today() })
  }

  accepted(accountId: string): Promise<Acceptance[]> {
    return this.#options.store.accepted(accountId)
  }

  eraseAccount(accountId: string): Promise<void> {
    return this.#options.store.eraseAccount(accountId)
  }

  async announce(): Promise<void> {
    const today = this.#today()
    for (const version of await this.versions()) if (version.effectiveOn > today) await this.#tell(version)
  }

  async #tell(version: PolicyVersion): Promise<void> {
    const { noticeId } = version
    if (noticeId === undefined) return
    const { text } = await this.document(version.kind, version.version)
    await this.#options.announceAmendment({ noticeId, version, title: text.title })
  }

  async #ofKind(kind: PolicyKind): Promise<PolicyVersion[]> {
    return (await this.versions()).filter((each) => each.kind === kind)
  }

  async #find(kind: PolicyKind, version: number): Promise<PolicyVersion> {
    const found = (await this.#ofKind(kind)).find((each) => each.version === version)
    if (found === undefined) throw new RightsError('POLICY_UNKNOWN')
    return found
  }

  /** Of one kind, the newest first. */
  #inForce(versions: readonly PolicyVersion[]): PolicyVersion | undefined {
    return versions.find(({ effectiveOn }) => effectiveOn <= this.#today())
  }

  #today(): string {
    return dayOf(this.#options.clock.now())
  }
}
