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
  #readAgain = false
  #retry: Disposable | undefined

  private constructor(options: DomainPoliciesOptions) {
    this.#options = options
  }

  /** Resolves when the policies are known; follows their changes from then on. */
  static async open(options: DomainPoliciesOptions): Promise<DomainPolicies> {
    const policies = new DomainPolicies(options)
    const follow = () => policies.#follow()
    policies.#stack.use(options.bus.subscribe('domain/changed', follow))
    policies.#stack.use(options.bus.onReset(follow))
    await policies.#read()
    return policies
  }

  of(domain: string): MessagePolicy {
    return this.#policies.get(domain) ?? this.#options.server
  }

  /** For a message from one domain to another: the stricter decision of the two in each respect. */
  between(from: string, to: string): MessagePolicy {
    const [one, other] = [this.of(from), this.of(to)]
    if (one === other) return one
    return {
      e2ee: STRICTEST_FIRST.find((each) => each === one.e2ee || each === other.e2ee) ?? 'required',
      storage: one.storage === 'none' ? 'none' : other.storage,
      messageTtlSeconds: Math.min(one.messageTtlSeconds, other.messageTtlSeconds),
    }
  }

  /** One read at a time; a change during a read causes another. */
  async #follow(): Promise<void> {
    this.#readAgain = true
    if (this.#reading) return
    this.#reading = true
    try {
      while (this.#readAgain) {
        this.#readAgain = false
        await this.#read()
      }
    } catch (error) {
      this.#options.onError(error)
      this.#retry?.[Symbol.dispose]()
      if (!this.#stack.disposed) this.#retry = this.#options.clock.after(RETRY_MS, () => void this.#follow())
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

function applied(server: MessagePolicy, decided: DomainPolicy): MessagePolicy {
  return {
    e2ee: decided.e2ee ?? server.e2ee,
    storage: decided.storage ?? server.storage,
    messageTtlSeconds: Math.min(server.messageTtlSeconds, decided.messageTtlSeconds ?? Infinity),
  }
}
