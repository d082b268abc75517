/** Remembers what a source elsewhere has answered, also that it has nothing; failures are asked again. */
import type { Clock } from '@sealpost/runtime'
import type { KeySource } from './recipient-keys.ts'

const FOUND_MS = 60 * 60_000
const NONE_MS = 10 * 60_000
/** Of certificates; each has some kilobytes by custom, and a megabyte at most. */
const BYTES_MAX = 32 * 1024 * 1024
const ENTRIES_MAX = 10_000
/** What an entry costs besides. */
const ENTRY_BYTES = 256

interface Entry {
  readonly certificate: Buffer | undefined
  readonly until: number
}

export function cachedSource(source: KeySource, clock: Clock): KeySource {
  const entries = new Map<string, Entry>()
  let bytes = 0
  const costOf = ({ certificate }: Entry): number => ENTRY_BYTES + (certificate?.length ?? 0)
  const forget = (address: string): void => {
    const entry = entries.get(address)
    if (entry === undefined) return
    bytes -= costOf(entry)
    entries.delete(address)
  }
  const remember = (address: string, certificate: Buffer | undefined): void => {
    forget(address)
    const entry = { certificate, until: clock.now() + (certificate === undefined ? NONE_MS : FOUND_MS) }
    entries.set(address, entry)
    bytes += costOf(entry)
    for (const oldest of entries.keys()) {
      if (entries.size <= ENTRIES_MAX && bytes <= BYTES_MAX) break
      forget(oldest)
    }
  }
  return {
    async find(address) {
      const entry = entries.get(address)
      if (entry !== undefined && entry.until > clock.now()) return entry.certificate
      const certificate = await source.find(address)
      remember(address, certificate)
      return certificate
    },
  }
}
