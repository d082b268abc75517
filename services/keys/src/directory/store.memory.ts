/** The store in memory: the plain model of the Postgres store. */
import { componentsOf } from './components.ts'
import { mailboxOf } from './mailbox.ts'
import type { CertificateStore, Needle, NewRow, StoredRow } from './store.ts'

const prefixOf = (fingerprint: string): string => fingerprint.slice(0, 8).toLowerCase()

export function memoryCertificateStore(): CertificateStore {
  const rows = new Map<string, StoredRow & NewRow>()
  const buried = new Set<string>()
  const logs = new Map<string, Set<string>>()

  const ownerOf = (address: string): string | undefined =>
    [...rows.values()].find(({ addresses }) => addresses.includes(address))?.fingerprint

  const search = ({ kind, value }: Needle, limit: number): StoredRow[] => {
    const rankOf = (row: StoredRow): number => {
      if (kind === 'address') return row.addresses.includes(value) ? 0 : Infinity
      const field = kind === 'key-id' ? 'keyId' : 'fingerprint'
      const ranks = componentsOf(row.listing)
        .filter((each) => each[field] === value)
        .map(({ rank }) => rank)
      return Math.min(...ranks, Infinity)
    }
    return [...rows.values()]
      .filter((row) => rankOf(row) < Infinity)
      .sort((a, b) => rankOf(a) - rankOf(b) || (a.fingerprint < b.fingerprint ? -1 : 1))
      .slice(0, limit)
  }

  return {
    find: async (fingerprint) => rows.get(fingerprint),
    async put(row: NewRow, revision) {
      if (rows.get(row.fingerprint)?.revision !== revision) return false
      if (row.addresses.some((address) => ![undefined, row.fingerprint].includes(ownerOf(address))))
        return false
      rows.set(row.fingerprint, { ...row, revision: (revision ?? 0) + 1 })
      if (row.changedOn !== undefined) {
        const log = logs.get(row.changedOn) ?? new Set()
        logs.set(row.changedOn, log.add(prefixOf(row.fingerprint)))
      }
      return true
    },
    delete: async (fingerprint) => rows.delete(fingerprint),
    serve: async (needle, limit) =>
      search(needle, limit).map(({ fingerprint, served }) => ({ fingerprint, bytes: served })),
    list: async (needle, limit) =>
      search(needle, limit).map(({ fingerprint, listing }) => ({ fingerprint, listing })),
    async serveMailbox({ domain, hash }) {
      const mailboxes = [...rows.values()].flatMap(({ addresses, minimal }) =>
        addresses.map((address, index) => ({ ...mailboxOf(address), bytes: minimal[index] })),
      )
      return mailboxes.find((each) => each.domain === domain && each.hash.equals(hash))?.bytes
    },
    ownerOf: async (address) => ownerOf(address),
    due: async (day, limit) =>
      [...rows.values()]
        .filter(({ forgetOn }) => forgetOn !== undefined && forgetOn <= day)
        .slice(0, limit)
        .map(({ fingerprint }) => fingerprint),
    prefixes: async (day, limit) => [...(logs.get(day) ?? [])].sort().slice(0, limit),
    async forgetPrefixes(day) {
      for (const each of logs.keys()) if (each <= day) logs.delete(each)
    },
    bury: async (fingerprint) => void buried.add(fingerprint),
    isBuried: async (fingerprint) => buried.has(fingerprint),
    unbury: async (fingerprint) => void buried.delete(fingerprint),
  }
}
