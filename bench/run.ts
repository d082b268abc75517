/** `npm run bench -- NAME [--peers] [options]`: one benchmark. Its header comment tells what it does; nothing it starts outlives it. */
import { chat } from './chat.ts'

const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = { chat }

const [name = '', ...args] = process.argv.slice(2)
const benchmark = benchmarks[name]
if (benchmark === undefined) {
  console.error(
    `usage: npm run bench -- NAME [--peers]\nNAME is one of: ${Object.keys(benchmarks).join(', ')}`,
  )
  process.exitCode = 2
} else {
  await benchmark(args)
}
