/** Policies in memory: the plain model of the Postgres store. */
import type { Acceptance, PolicyStore, PolicyText, PolicyVersion } from './store.ts'

type Key = Pick<PolicyVersion, 'kind' | 'version'>

export function memoryPolicyStore(): PolicyStore {
  const versions = new Map<string, PolicyVersion>()
  const texts = new Map<string, PolicyText[]>()
  const erased = new Map<string, number>()
  let acceptances: (Acceptance & { readonly accountId: string })[] = []
  const keyOf = ({ kind, version }: Key): string => `${kind} ${String(version)}`
  const of = (key: Key) => acceptances.filter((each) => keyOf(each) === keyOf(key))
  return {
    async add(version, text) {
      if (versions.has(keyOf(version))) return false
      versions.set(keyOf(version), version)
      texts.set(keyOf(version), [text])
      return true
    },
    async addText(kind, version, text) {
      const known = texts.get(keyOf({ kind, version }))
      if (known === undefined || known.some(({ language }) => language === text.language)) return false
      known.push(text)
      return true
    },
    versions: async () =>
      [...versions.values()]
        .map((each) => ({
          ...each,
          languages: (texts.get(keyOf(each)) ?? []).map(({ language }) => language).toSorted(),
        }))
        .toSorted((a, b) => (a.kind === b.kind ? b.version - a.version : a.kind < b.kind ? -1 : 1)),
    text: async (kind, version, language) =>
      texts.get(keyOf({ kind, version }))?.find((text) => text.language === language),
    async accept(accountId, acceptance) {
      if (of(acceptance).every((each) => each.accountId !== accountId))
        acceptances.push({ ...acceptance, accountId })
    },
    accepted: async (id) =>
      acceptances
        .filter(({ accountId }) => accountId === id)
        .map(({ kind, version, acceptedOn }) => ({ kind, version, acceptedOn }))
        .toSorted((a, b) => (a.kind === b.kind ? a.version - b.version : a.kind < b.kind ? -1 : 1)),
    acceptances: async (kind, version) =>
      of({ kind, version }).length + (erased.get(keyOf({ kind, version })) ?? 0),
    async eraseAccount(id) {
      for (const each of acceptances.filter(({ accountId }) => accountId === id))
        erased.set(keyOf(each), (erased.get(keyOf(each)) ?? 0) + 1)
      acceptances = acceptances.filter(({ accountId }) => accountId !== id)
    },
  }
}
