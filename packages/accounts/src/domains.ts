/** What an operator decides for one domain of the server: how its messages must be encrypted, and what is kept of them for how long. */
import type { Bus } from '@sealpost/bus'

declare module '@sealpost/bus' {
  interface Topics {
    /** The policy of a domain changed: read it again. */
    'domain/changed': { domain: string }
  }
}

/** `required`: readable messages are refused. `optional`: they pass, and are never stored. `off`: for test domains. */
export const E2EE_POLICIES = ['required', 'optional', 'off'] as const
export type E2eePolicy = (typeof E2EE_POLICIES)[number]

/** `none`: nothing waits on the server; what a device does not take now goes back to the sender. */
export const STORAGE_MODES = ['sealed', 'none'] as const
export type StorageMode = (typeof STORAGE_MODES)[number]

/**
 * From the laxest to the strictest. `optional`: encryption is up to who writes. `on-arrival`: what comes in readable is encrypted to the recipient's key before it is stored.
 * `required`: only mail that is encrypted already comes in or goes out.
 */
export const MAIL_PGP_MODES = ['optional', 'on-arrival', 'required'] as const
export type MailPgpMode = (typeof MAIL_PGP_MODES)[number]

/** Longest life that a domain can be given: a year, in seconds. */
export const MESSAGE_TTL_SECONDS_MAX = 366 * 86_400

/** What is undefined is as the server is set. */
export interface DomainPolicy {
  readonly e2ee: E2eePolicy | undefined
  readonly storage: StorageMode | undefined
  /** Longest life of an undelivered message; it never lengthens the server's. */
  readonly messageTtlSeconds: number | undefined
  readonly mailPgp: MailPgpMode | undefined
}

/** Kept for as long as it decides anything; `domain` is canonical. */
export interface DomainStore {
  policies(): Promise<ReadonlyMap<string, DomainPolicy>>
  /** Replaces the domain's policy; one that decides nothing is not kept. */
  put(domain: string, policy: DomainPolicy): Promise<void>
}

export interface Domains {
  /** Domains that have a policy of their own, with it. */
  policies(): Promise<ReadonlyMap<string, DomainPolicy>>
  /** Replaces the policy of a domain, and tells everybody. */
  setPolicy(domain: string, policy: DomainPolicy): Promise<void>
}

export function createDomains(store: DomainStore, bus: Bus): Domains {
  return {
    policies: () => store.policies(),
    async setPolicy(domain, policy) {
      await store.put(domain, policy)
      await bus.publish('domain/changed', { domain })
    },
  }
}

/** True when the policy leaves everything as the server is set. */
export function decidesNothing(policy: DomainPolicy): boolean {
  return Object.values(policy).every((decision) => decision === undefined)
}
