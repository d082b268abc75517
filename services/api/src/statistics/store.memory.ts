/** Statistics in memory: the plain model of the Postgres store. */
import { beginOf, type StatisticsRow, type StatisticsStore, type Step, STEPS } from './store.ts'

export function memoryStatistics(): StatisticsStore {
  const rows = new Map<string, StatisticsRow & { readonly step: Step }>()
  return {
    async add(at, readings) {
      for (const step of STEPS)
        for (const { name, bucket, value } of readings) {
          const begin = beginOf(step, at)
          const key = JSON.stringify([step, name, bucket, begin])
          const known = rows.get(key)
          rows.set(key, {
            step,
            name,
            bucket,
            at: begin,
            sum: (known?.sum ?? 0) + value,
            samples: (known?.samples ?? 0) + 1,
            max: Math.max(known?.max ?? value, value),
          })
        }
    },
    async read({ step, names, from, until }) {
      return [...rows.values()]
        .filter((row) => row.step === step && names.includes(row.name) && row.at >= from && row.at < until)
        .map(({ step: _step, ...row }) => row)
        .toSorted((a, b) => a.at - b.at || compare(a.name, b.name) || compare(a.bucket, b.bucket))
    },
    async erase(step, before) {
      for (const [key, row] of rows) if (row.step === step && row.at < before) rows.delete(key)
    },
  }
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
