/** A program of others that runs until it is disposed. */
import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'

export interface Daemon extends AsyncDisposable {
  readonly pid: number
  /** All that it has said. */
  readonly output: () => string
  readonly runs: () => boolean
  /** Sends the signal, if it runs, and waits for the end: the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>
}

export interface DaemonOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid'> {
  readonly isReady: (said: string) => boolean | Promise<boolean>
}

const READY_MS_MAX = 120_000
const READY_POLL_MS = 50

export async function startDaemon(
  [command, ...args]: readonly [string, ...string[]],
  { isReady, ...options }: DaemonOptions,
): Promise<Daemon> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  const keep = (chunk: Buffer): void => void (said += chunk.toString())
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // Not `close`: what it has started may live a moment longer, and holds its output.
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const runs = (): boolean => child.exitCode === null && child.signalCode === null
  const daemon: Daemon = {
    pid: child.pid ?? 0,
    output: () => said,
    runs,
    end: async (signal) => {
      if (runs()) child.kill(signal)
      const [code, by] = await ended
      child.stdout.destroy()
      child.stderr.destroy()
      return by ?? code ?? 1
    },
    [Symbol.asyncDispose]: async () => void (await daemon.end('SIGTERM')),
  }
  const deadline = performance.now() + READY_MS_MAX
  while (runs() && performance.now() < deadline) {
    if (await isReady(said)) return daemon
    await wait(READY_POLL_MS)
  }
  await daemon[Symbol.asyncDispose]()
  throw new Error(`${command} is not ready: ${said}`)
}
