/** The store in memory: the plain model of the Postgres store. */
import { componentsOf } from './components.ts'
import { expiryDay, reminderDays } from './expiry.ts'
import { mailboxOf } from './mailbox.ts'
import type {
  CertificateRow,
  CertificateStore,
  Needle,
  NewRow,
  Reminder,
  ReminderDays,
  StoredRow,
} from './store.ts'

const DAY_MS = 86_400_000

const prefixOf = (fingerprint: string): string => fingerprint.slice(0, 8).toLowerCase()
const claims = ({ addresses, suspended }: CertificateRow): string[] => [...addresses, ...suspended]

interface Write {
  readonly row: NewRow
  readonly revision: number | undefined
}

export function memoryCertificateStore(): CertificateStore {
  const rows = new Map<string, StoredRow & NewRow>()
  const buried = new Set<string>()
  const logs = new Map<string, Set<string>>()
  const reminders = new MemoryReminders(rows)

  const ownerOf = (address: string): string | undefined =>
    [...rows.values()].find((row) => claims(row).includes(address))?.fingerprint

  const set = (row: NewRow, revision: number | undefined): void => {
    reminders.keep(rows.get(row.fingerprint), row)
    rows.set(row.fingerprint, { ...row, revision: (revision ?? 0) + 1 })
    if (row.changedOn !== undefined) {
      const log = logs.get(row.changedOn) ?? new Set()
      logs.set(row.changedOn, log.add(prefixOf(row.fingerprint)))
    }
  }

  const write = (updates: readonly Write[]): boolean => {
    const written = canWrite(rows, updates)
    if (written) for (const { row, revision } of updates) set(row, revision)
    return written
  }

  const put = (row: NewRow, revision: number | undefined): boolean => write([{ row, revision }])

  const search = (needle: Needle, limit: number): StoredRow[] => searchRows(rows.values(), needle, limit)

  return {
    find: async (fingerprint) => rows.get(fingerprint),
    findAll: async (fingerprints) => fingerprints.flatMap((each) => rows.get(each) ?? []),
    put: async (row, revision) => put(row, revision),
    takeOver: async (taker, loser) => write([loser, taker]),
    async insertAll(all) {
      const fresh = all.filter(({ fingerprint }) => !buried.has(fingerprint))
      return fresh.filter((row) => put(row, undefined)).map(({ fingerprint }) => fingerprint)
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
    due: async (day, limit) => dueRows(rows.values(), day).slice(0, limit),
    prefixes: async (day, limit) => [...(logs.get(day) ?? [])].sort().slice(0, limit),
    async forgetPrefixes(day) {
      for (const each of logs.keys()) if (each <= day) logs.delete(each)
    },
    suspendedAddresses: async (after, limit) =>
      suspendedIn(rows.values())
        .filter((address) => address > after)
        .slice(0, limit),
    dueReminders: async (day, limit) => reminders.due(day).slice(0, limit),
    claimReminder: async (reminder) => reminders.claim(reminder),
    releaseReminder: async ({ address }) => reminders.release(address),
    bury: async (fingerprint) => void buried.add(fingerprint),
    buriedAmong: async (fingerprints) => fingerprints.filter((each) => buried.has(each)),
    isBuried: async (fingerprint) => buried.has(fingerprint),
    unbury: async (fingerprint) => void buried.delete(fingerprint),
  }
}

/** Whether all are as they were read, and no address will be of two. */
function canWrite(rows: ReadonlyMap<string, StoredRow>, updates: readonly Write[]): boolean {
  const after = new Map<string, CertificateRow>(rows)
  for (const { row } of updates) after.set(row.fingerprint, row)
  const claimed = [...after.values()].flatMap(claims)
  return (
    updates.every(({ row, revision }) => rows.get(row.fingerprint)?.revision === revision) &&
    new Set(claimed).size === claimed.length
  )
}

function dueRows(rows: Iterable<StoredRow>, day: string): string[] {
  return [...rows]
    .filter(({ forgetOn }) => forgetOn !== undefined && forgetOn <= day)
    .map(({ fingerprint }) => fingerprint)
}

function suspendedIn(rows: Iterable<StoredRow>): string[] {
  return [...rows].flatMap(({ suspended }) => suspended).sort()
}

function searchRows(rows: Iterable<StoredRow>, { kind, value }: Needle, limit: number): StoredRow[] {
  const rankOf = (row: StoredRow): number => {
    if (kind === 'address') return row.addresses.includes(value) ? 0 : Infinity
    const field = kind === 'key-id' ? 'keyId' : 'fingerprint'
    const ranks = componentsOf(row.listing)
      .filter((each) => each[field] === value)
      .map(({ rank }) => rank)
    return Math.min(...ranks, Infinity)
  }
  const all = [...rows]
  const own = kind === 'fingerprint' ? all.filter((row) => row.fingerprint === value) : []
  return (own.length > 0 ? own : all)
    .filter((row) => rankOf(row) < Infinity)
    .sort((a, b) => rankOf(a) - rankOf(b) || (a.fingerprint < b.fingerprint ? -1 : 1))
    .slice(0, limit)
}

class MemoryReminders {
  readonly #rows: ReadonlyMap<string, StoredRow>
  readonly #sent = new Map<string, Pick<Reminder, 'expiresOn' | 'days'>>()

  constructor(rows: ReadonlyMap<string, StoredRow>) {
    this.#rows = rows
  }

  /** What was known of addresses that the certificate has no longer is forgotten. */
  keep(before: CertificateRow | undefined, after: CertificateRow): void {
    for (const address of before === undefined ? [] : claims(before))
      if (!claims(after).includes(address)) this.#sent.delete(address)
  }

  due(day: string): Reminder[] {
    return [...this.#rows.values()]
      .flatMap((row) => this.#of(row, day))
      .sort((a, b) => (a.expiresOn < b.expiresOn ? -1 : 1))
  }

  claim({ address, fingerprint, expiresOn, days }: Reminder): boolean {
    const row = this.#rows.get(fingerprint)
    if (row?.addresses.includes(address) !== true || this.#isSent(address, expiresOn, days)) return false
    this.#sent.set(address, { expiresOn, days })
    return true
  }

  release(address: string): void {
    this.#sent.delete(address)
  }

  #of({ fingerprint, listing, addresses }: StoredRow, day: string): Reminder[] {
    const expiresOn = expiryDay(listing)
    if (expiresOn === undefined || listing.revoked !== undefined) return []
    const days = reminderDays((Date.parse(expiresOn) - Date.parse(day)) / DAY_MS)
    if (days === undefined) return []
    return addresses
      .filter((address) => !this.#isSent(address, expiresOn, days))
      .map((address) => ({ address, fingerprint, expiresOn, days }))
  }

  #isSent(address: string, expiresOn: string, days: ReminderDays): boolean {
    const last = this.#sent.get(address)
    return last?.expiresOn === expiresOn && last.days <= days
  }
}
