/** `npm run bench -- NAME [--peers] [options]`: one benchmark. Its header comment tells what it does; nothing it starts outlives it. */
import { accounts } from './accounts.ts'
import { certificates } from './certificates.ts'
import { chat } from './chat.ts'
import { groups } from './groups.ts'
import { files } from './files.ts'
import { idle } from './idle.ts'
import { importCertificates } from './import.ts'
import { lookup } from './lookup.ts'
import { mail } from './mail.ts'
import { restore } from './restore.ts'
import { pep } from './pep.ts'
import { childrenOf } from './proc.ts'
import { queue } from './queue.ts'
import { seal } from './seal.ts'
import { shred } from './shred.ts'
import { signIn } from './sign-in.ts'
import { soak } from './soak.ts'
import { start } from './start.ts'
import { uploads } from './uploads.ts'

const benchmarks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  accounts,
  chat,
  accept: queue,
  drain: queue,
  seal,
  shred,
  start,
  signin: signIn,
  groups,
  idle,
  certificates,
  lookup,
  import: importCertificates,
  mail,
  pep,
  restore,
  uploads,
  files,
  soak,
}

/** For the servers to end, after a signal. */
const END_MS_MAX = 20_000
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const

const [name = '', ...args] = process.argv.slice(2)
const benchmark = benchmarks[name]
if (benchmark === undefined) {
  console.error(
    `usage: npm run bench -- NAME [--peers]\nNAME is one of: ${Object.keys(benchmarks).join(', ')}`,
  )
  process.exitCode = 2
} else {
  await untilSignal(benchmark(args))
}

/** A signal ends what the benchmark has started: it fails then, and takes away what it has made. A second one ends it at once. */
async function untilSignal(run: Promise<void>): Promise<void> {
  let code: number | undefined
  for (const signal of Object.keys(SIGNALS) as (keyof typeof SIGNALS)[])
    process.once(signal, () => {
      const ended = SIGNALS[signal]
      code = ended
      for (const child of childrenOf(process.pid)) terminate(child)
      setTimeout(() => process.exit(ended), END_MS_MAX).unref()
    })
  try {
    await run
  } catch (error) {
    if (code === undefined) throw error
    process.exit(code)
  }
}

function terminate(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // it has ended meanwhile
  }
}
