/** Runs many seeds: `node test/sim/run.ts --seeds 1000 [--from 1] [--steps 300] [--trace] [--first]`; `--trace` prints all events of those that fail, `--first` ends at the first. */
import { parseArgs } from 'node:util'
import { Violation } from './trace.ts'
import { Simulation } from './simulation.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    steps: { type: 'string', default: '300' },
    trace: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write('node test/sim/run.ts [--seeds 100] [--from 1] [--steps 300] [--trace] [--first]\n')
} else {
  process.exitCode = await run(Number(values.from), Number(values.seeds), Number(values.steps))
}

async function run(from: number, seeds: number, steps: number): Promise<number> {
  const started = performance.now()
  let failed = 0
  let events = 0
  let messages = 0
  for (let seed = from; seed < from + seeds; seed++) {
    try {
      const result = await Simulation.run(seed, steps)
      events += result.events
      messages += result.messages
    } catch (error) {
      failed++
      process.stdout.write(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n\n`)
      if (!(error instanceof Violation))
        process.stdout.write(`${error instanceof Error ? error.stack : ''}\n`)
      else if (values.trace) process.stdout.write(`${error.trace.lines().join('\n')}\n`)
      if (values.first) return 1
    }
  }
  const seconds = (performance.now() - started) / 1000
  const rate = Math.round((seeds * steps) / seconds)
  process.stdout.write(
    `${seeds - failed} of ${seeds} seeds clean, ${messages} messages, ${events} events, ${rate} steps a second\n`,
  )
  return failed === 0 ? 0 : 1
}
