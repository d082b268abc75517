/**
 * The relay in a world of chance: see simulation.ts for what happens, ledger.ts for what must hold. `SEED=7 STEPS=200`
 * replays one seed exactly; `node test/sim/run.ts --seeds 1000` is for long runs.
 */
import { describe, expect, test } from 'vitest'
import { Simulation } from './simulation.ts'

const steps = Number(process.env['STEPS'] ?? 200)
const seed = process.env['SEED']
const fixed = Array.from({ length: 25 }, (_, index) => index + 1)
const seeds = seed === undefined ? fixed : [Number(seed)]

describe('a relay among crashes, faults and bad networks', () => {
  test.each(seeds)(
    'seed %i: nothing acknowledged is lost, nothing comes twice, nothing stays',
    async (each) => {
      await Simulation.run(each, steps)
    },
  )
})

test('a seed replays to the same trace', async () => {
  const first = await Simulation.run(seeds[0] ?? 1, steps)
  expect(await Simulation.run(seeds[0] ?? 1, steps)).toEqual(first)
  if (seed === undefined) expect((await Simulation.run(2, steps)).hash).not.toBe(first.hash)
})
