/** A program of others that runs until it is disposed. */
import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { vi } from 'vitest'

export interface Daemon extends AsyncDisposable {
  readonly pid: number
  /** All that it has said. */
  readonly output: () => string
}

export interface DaemonOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> {
  readonly isReady: (said: string) => boolean | Promise<boolean>
}

const READY_MS_MAX = 30_000

export async function startDaemon(
  [command, ...args]: readonly [string, ...string[]],
  { isReady, ...options }: DaemonOptions,
): Promise<Daemon> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const keep = (chunk: Buffer): void => void (said += chunk.toString())
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const ended = once(child, 'close')
  const runs = (): boolean => child.exitCode === null && child.signalCode === null
  const daemon: Daemon = {
    pid: child.pid ?? 0,
    output: () => said,
    [Symbol.asyncDispose]: async () => {
      if (runs()) child.kill('SIGTERM')
      await ended
    },
  }
  const ready = async (): Promise<boolean> => !runs() || (await isReady(said))
  await vi.waitUntil(ready, { timeout: READY_MS_MAX, interval: 50 }).catch(() => undefined)
  if (runs() && (await isReady(said))) return daemon
  await daemon[Symbol.asyncDispose]()
  throw new Error(`${command} is not ready: ${said}`)
}
