/** `npm run bench -- NAME [--peers] [options]`: one benchmark. Its header comment tells what it does; nothing it starts outlives it. */
import { certificates } from './certificates.ts'
import { chat } from './chat.ts'
import { idle } from './idle.ts'
import { importCertificates } from './import.ts'
import { lookup } from './lookup.ts'
import { queue } from './queue.ts'
import { signIn } from './sign-in.ts'
import { uploads } from './uploads.ts'

const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  chat,
  accept: queue,
  drain: queue,
  signin: signIn,
  idle,
  certificates,
  lookup,
  import: importCertificates,
  uploads,
}

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
