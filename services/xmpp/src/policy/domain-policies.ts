/** What holds for messages of a domain: the server's settings, made narrower or wider by what its operator decided for the domain. */
import type { DomainPolicy, Domains, E2eePolicy, StorageMode } from '@sealpost/accounts'
import type { Bus } from '@sealpost/bus'
import type { Clock } from '@sealpost/runtime'

/** What holds for a message. */
export interface MessagePolicy {
  readonly e2ee: E2eePolicy
  readonly storage: StorageMode
  /** Longest life of an undelivered message. */
  readonly messageTtlSeconds: number
}

export interface DomainPoliciesOptions {
  readonly domains: Pick<Domains, 'policies'>
  /** For domains that nobody decided anything for. */
  readonly server: MessagePolicy
  readonly bus: Bus
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Before a policy that could not be read is asked for again; until then the one read last holds. */
const RETRY_MS = 500
const STRICTEST_FIRST: readonly E2eePolicy[] = ['required', 'optional', 'off']

export class DomainPolicies implements Disposable {
  readonly #options: DomainPoliciesOptions
  readonly #stack = new DisposableStack()
  #policies: ReadonlyMap<string, MessagePolicy> = new Map()
  #reading = false
  #stale = false
  #retry: Disposable | undefined

  private constructor(options: DomainPoliciesOptions) {
    this.#options = options
  }

  /** Resolves when the policies are known, rejects when they cannot be read; follows their changes from then on. */
  static async open(options: DomainPoliciesOptions): Promise<DomainPolicies> {
    using stack = new DisposableStack()
    const policies = stack.use(new DomainPolicies(options))
    const follow = () => policies.#follow()
    policies.#stack.use(options.bus.subscribe('domain/changed', follow))
    policies.#stack.use(options.bus.onReset(follow))
    await policies.#catchUp()
    stack.move()
    return policies
  }

  of(domain: string): MessagePolicy {
    return this.#policies.get(domain) ?? this.#options.server
  }

  /** For a message from one domain to another: the stricter decision of the two in each respect. */
  between(from: string, to: string): MessagePolicy {
    return from === to ? this.of(from) : stricter(this.of(from), this.of(to))
  }

  /** As `between`, of all that a message has to do with. */
  among(from: string, others: readonly string[]): MessagePolicy {
    return others.reduce((policy, domain) => stricter(policy, this.of(domain)), this.of(from))
  }

  async #follow(): Promise<void> {
    try {
      await this.#catchUp()
    } catch (error) {
      this.#options.onError(error)
      this.#retry?.[Symbol.dispose]()
      if (!this.#stack.disposed) this.#retry = this.#options.clock.after(RETRY_MS, () => void this.#follow())
    }
  }

  /** One read at a time, so that none overtakes another; a change during a read causes one more. */
  async #catchUp(): Promise<void> {
    this.#stale = true
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#stale) {
        this.#stale = false
        await this.#read()
      }
    } finally {
      this.#reading = false
    }
  }

  async #read(): Promise<void> {
    const { domains, server } = this.#options
    const policies = await domains.policies()
    this.#policies = new Map([...policies].map(([domain, policy]) => [domain, applied(server, policy)]))
  }

  [Symbol.dispose](): void {
    this.#stack.dispose()
    this.#retry?.[Symbol.dispose]()
  }
}

function stricter(one: MessagePolicy, other: MessagePolicy): MessagePolicy {
  if (one === other) return one
  return {
    e2ee: STRICTEST_FIRST.find((each) => each === one.e2ee || each === other.e2ee) ?? 'required',
    storage: one.storage === 'none' ? 'none' : other.storage,
    messageTtlSeconds: Math.min(one.messageTtlSeconds, other.messageTtlSeconds),
  }
}

function applied(server: MessagePolicy, decided: DomainPolicy): MessagePolicy {
  return {
    e2ee: decided.e2ee ?? server.e2ee,
    storage: decided.storage ?? server.storage,
    messageTtlSeconds: Math.min(server.messageTtlSeconds, decided.messageTtlSeconds ?? Infinity),
  }
}
