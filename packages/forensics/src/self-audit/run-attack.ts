/** Has the attacker go over the files, in a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { AttackAnswer, AttackOrders } from './attack-program.ts'

const PROGRAM = join(import.meta.dirname, 'attack-program.ts')
/** Of JavaScript objects; it reads files in stretches of 64 MiB. */
const HEAP_MIB_MAX = 512

/** `failed: 'ENDED'` when it was ended, or came to nothing. */
export async function runAttack(orders: AttackOrders, signal: AbortSignal): Promise<AttackAnswer> {
  const child = spawn(process.execPath, [`--max-old-space-size=${String(HEAP_MIB_MAX)}`, PROGRAM], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {},
    signal,
    killSignal: 'SIGKILL',
  })
  const closed = once(child, 'close').catch(() => undefined)
  child.stdin.on('error', () => undefined).end(JSON.stringify(orders))
  const said = await text(child.stdout).catch(() => '')
  await closed
  try {
    return JSON.parse(said) as AttackAnswer
  } catch {
    return { failed: 'ENDED' }
  }
}
