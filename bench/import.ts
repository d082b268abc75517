/**
 * `npm run bench -- import`: how fast `ctl key import` takes certificates, as an operator runs it: the server with its Postgres on one core, ctl and the load on the others.
 * Two figures, for certificates as people have them (Ed25519, one user id, two subkeys) that are all new, and for the same ones once more: a second, and a second of the
 * server's processor time. Option: --certificates N (5,000).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sample } from '../packages/openpgp/test/maker.ts'
import { Sealpost } from '../test/interop/sealpost.ts'
import { readCpuSeconds } from './proc.ts'
import { readSettings } from './rounds.ts'
import { pinned } from './servers/server.ts'

const CORE = 0
/** For starting ctl, which is no matter of certificates. */
const WARM_UP = 100

export async function importCertificates(args: readonly string[]): Promise<void> {
  const { numbers } = readSettings(args, { certificates: 5_000 })
  const { certificates: count } = numbers
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sealpost-bench-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const write = async (name: string, from: number, to: number): Promise<string> => {
    const all = Array.from({ length: to - from }, (_, index) => sample(from + index).bytes)
    await writeFile(join(folder, name), Buffer.concat(all))
    return join(folder, name)
  }
  const few = await write('few.pgp', 0, WARM_UP)
  const many = await write('many.pgp', WARM_UP, WARM_UP + count)
  const sealpost = stack.use(
    await Sealpost.start({ environment: { LOG_LEVEL: 'error' }, prefix: pinned(CORE) }),
  )
  const roots = await sealpost.roots()
  const run = async (label: string, file: string, certificates: number): Promise<void> => {
    const [began, cpu] = [performance.now(), readCpuSeconds(roots)]
    const { code, output } = await sealpost.ctl(['key', 'import', file])
    const [seconds, used] = [(performance.now() - began) / 1_000, readCpuSeconds(roots) - cpu]
    if (code !== 0) throw new Error(output)
    if (label === '') return
    const rate = (per: number): string => (certificates / per).toFixed(0).padStart(7)
    console.log(`${label.padEnd(24)}${rate(seconds)} a second${rate(used)} a second of processor time`)
  }
  await run('', few, WARM_UP)
  await run('new', many, count)
  await run('known already', many, count)
}
