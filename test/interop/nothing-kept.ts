/** The proof that follows each delivery: no row and no key of a message is left, and no table mentions it. */
import { expect, vi } from 'vitest'
import type { Sealpost } from './sealpost.ts'

/** Rows are collected about a second after their keys are destroyed. */
export const PATIENCE = { timeout: 30_000, interval: 100 }

/** Waits until every message has been delivered and collected; none of `traces` (ids, ciphertexts) may be in any table then. */
export async function expectNothingKept(sealpost: Sealpost, traces: readonly string[] = []): Promise<void> {
  await vi.waitFor(async () => {
    expect(await sealpost.keyringSlots(), 'keys and queue names in the keyring').toEqual({
      keys: 0,
      queues: 0,
    })
    expect(await sealpost.sealedRows(), 'sealed rows').toBe(0)
  }, PATIENCE)
  for (const trace of traces)
    expect(await sealpost.tablesHolding(trace), 'tables that hold a trace').toEqual([])
}
