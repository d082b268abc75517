/** The programs of bench/bare: each says its port when it listens. */
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { spawnPinned, stop } from './server.ts'

export interface BareServer extends AsyncDisposable {
  readonly port: number
  readonly roots: readonly number[]
}

export async function startBare(core: number, program: string, args: readonly string[]): Promise<BareServer> {
  const file = join(import.meta.dirname, '..', 'bare', program)
  const child = spawnPinned(core, process.execPath, [file, ...args], {})
  await using stack = new AsyncDisposableStack()
  stack.defer(() => stop(child))
  if (child.stdout === null) throw new Error('it says no port')
  const [port] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const held = stack.move()
  return { port: Number(port), roots: [child.pid ?? 0], [Symbol.asyncDispose]: () => held.disposeAsync() }
}
