/** Crash reports in memory: the plain model of the Postgres store. */
import { COUNTS_MAX, type CrashReport, type CrashStore, type CrashTrace, TRACES_MAX } from './store.ts'

interface Count extends Omit<CrashReport, 'trace'> {
  count: number
}

export function memoryCrashes(countsMax = COUNTS_MAX): CrashStore {
  const counts = new Map<string, Count>()
  let traces: (CrashTrace & { readonly signature: string })[] = []
  return {
    async add({ trace, ...report }) {
      const { signature, day, application, version, platform } = report
      const key = JSON.stringify([signature, day, application, version, platform])
      const known = counts.get(key)
      if (known === undefined && counts.size >= countsMax) return false
      counts.set(key, { ...report, count: (known?.count ?? 0) + 1 })
      const same = traces.filter((other) => other.signature === signature)
      if (same.length >= TRACES_MAX) traces = traces.filter((other) => other !== same[0])
      traces.push({ signature, day, application, version, platform, trace })
      return true
    },
    async groups(limit) {
      return [...Map.groupBy(counts.values(), ({ signature }) => signature)]
        .map(([signature, rows]) => {
          const days = rows.map(({ day }) => day).toSorted()
          return {
            signature,
            title: rows.map(({ title }) => title).toSorted()[0] ?? '',
            count: rows.reduce((sum, { count }) => sum + count, 0),
            firstOn: days[0] ?? '',
            lastOn: days.at(-1) ?? '',
            applications: [
              ...new Set(rows.map(({ application, version }) => `${application} ${version}`)),
            ].toSorted(),
          }
        })
        .toSorted((a, b) => b.count - a.count || (a.signature < b.signature ? -1 : 1))
        .slice(0, limit)
    },
    async traces(signature) {
      return traces
        .filter((trace) => trace.signature === signature)
        .map(({ signature: _signature, ...trace }) => trace)
        .toReversed()
    },
    async erase(before) {
      for (const [key, { day }] of counts) if (day < before) counts.delete(key)
      traces = traces.filter(({ day }) => day >= before)
    },
  }
}
