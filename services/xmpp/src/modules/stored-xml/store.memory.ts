/** The store of elements in memory, for tests. */
import { type StoredXml, xmlCost, type XmlName, type XmlStore } from './store.ts'

export function memoryXmlStore(): XmlStore {
  const accounts = new Map<string, readonly StoredXml[]>()
  const of = (accountId: string) => accounts.get(accountId) ?? []
  const isNamed =
    ({ ns, name }: XmlName) =>
    (each: StoredXml) =>
      each.ns === ns && each.name === name
  return {
    async get(accountId, name) {
      return of(accountId).find(isNamed(name))?.xml
    },
    async put(accountId, stored, bytesMax) {
      const others = of(accountId).filter((each) => !stored.some(isNamed(each)))
      const all = [...others, ...stored]
      if (all.reduce((bytes, each) => bytes + xmlCost(each), 0) > bytesMax) return false
      accounts.set(accountId, all)
      return true
    },
    async all(accountId) {
      const key = ({ ns, name }: XmlName) => Buffer.from(`${ns}\0${name}`)
      return of(accountId).toSorted((a, b) => Buffer.compare(key(a), key(b)))
    },
    async erase(accountId) {
      accounts.delete(accountId)
    },
  }
}
