/** Setup of every file that `npm run fuzz` runs: each property gets a time instead of a number of runs, and the seed of this pass. */
import type * as FastCheck from 'fast-check'
import { vi } from 'vitest'

const BUDGET_MS = Number(process.env['FUZZ_MS'])
const SEED = Number(process.env['SEED'])
/** More than any time is enough for. */
const RUNS_MAX = 2 ** 31 - 1

vi.mock('fast-check', async (importOriginal) => {
  const original = await importOriginal<typeof FastCheck>()
  const box = {
    seed: SEED,
    numRuns: RUNS_MAX,
    interruptAfterTimeLimit: BUDGET_MS,
    markInterruptAsFailure: false,
  }
  const assert = (property: FastCheck.IRawProperty<unknown>, params?: object): Promise<void> | void =>
    original.assert(property, { ...params, ...box })
  return { ...original, assert }
})
