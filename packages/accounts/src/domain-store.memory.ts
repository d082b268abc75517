import { decidesNothing, type DomainPolicy, type DomainStore } from './domains.ts'

/** Policies of domains in memory: for tests and as the plain model of the Postgres store. */
export function memoryDomainStore(): DomainStore {
  const policies = new Map<string, DomainPolicy>()
  return {
    policies: async () => new Map(policies),
    async put(domain, policy) {
      if (decidesNothing(policy)) policies.delete(domain)
      else policies.set(domain, policy)
    },
  }
}
