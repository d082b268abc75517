/** Which mail an account takes and sends, by what the server, its domain and the account itself have decided: the strictest of them. */
import {
  MAIL_PGP_MODES,
  type Account,
  type DomainPolicy,
  type Domains,
  type MailPgpMode,
} from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { MailSettingsStore, OnMissingKey } from './mail-settings.ts'

export interface PgpDecision {
  readonly mode: MailPgpMode
  readonly onMissingKey: OnMissingKey
}

export interface PgpPolicyOptions {
  readonly settings: Pick<MailSettingsStore, 'of'>
  readonly domains: Pick<Domains, 'policies'>
  /** For domains that nobody decided anything for. */
  readonly server: MailPgpMode
  readonly bus: Bus
}

export class PgpPolicy implements Disposable {
  readonly #options: PgpPolicyOptions
  readonly #stack = new DisposableStack()
  #policies: Promise<ReadonlyMap<string, DomainPolicy>> | undefined

  constructor(options: PgpPolicyOptions) {
    this.#options = options
    const forget = (): void => {
      this.#policies = undefined
    }
    this.#stack.use(options.bus.subscribe('domain/changed', forget))
    this.#stack.use(options.bus.onReset(forget))
  }

  async of({ id, jid }: Pick<Account, 'id' | 'jid'>): Promise<PgpDecision> {
    const { settings, server } = this.#options
    const [policies, chosen] = await Promise.all([this.#readPolicies(), settings.of(id)])
    const domain = policies.get(jid.domain)?.mailPgp ?? server
    return { mode: stricter(domain, chosen.pgp ?? domain), onMissingKey: chosen.onMissingKey ?? 'refuse' }
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
  }

  #readPolicies(): Promise<ReadonlyMap<string, DomainPolicy>> {
    const known = this.#policies
    if (known !== undefined) return known
    const reading = this.#options.domains.policies()
    this.#policies = reading
    reading.catch(() => {
      if (this.#policies === reading) this.#policies = undefined
    })
    return reading
  }
}

function stricter(one: MailPgpMode, other: MailPgpMode): MailPgpMode {
  return MAIL_PGP_MODES.indexOf(one) > MAIL_PGP_MODES.indexOf(other) ? one : other
}
