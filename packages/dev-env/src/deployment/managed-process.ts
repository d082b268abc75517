/** A Node program of ours as a child process, with what it says kept. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { OperationalError } from '@sealpost/errors'

/** Older output is dropped. */
const OUTPUT_CHARS_MAX = 8_000_000

const READY_MS_MAX = 180_000
const READY_POLL_MS = 25

export interface ProgramOptions {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export class ManagedProcess {
  /** Resolves with the exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly #child: ChildProcess
  #output = ''

  constructor({ args, cwd, env }: ProgramOptions) {
    this.#child = spawn(process.execPath, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] })
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARS_MAX)
    }
    this.#child.stdout?.on('data', keep)
    this.#child.stderr?.on('data', keep)
    this.#child.stdin?.on('error', () => undefined)
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => resolve(signal ?? code ?? 1))
    })
    this.ended.catch(() => undefined)
  }

  /** Standard output and error so far. */
  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Gives the program its standard input, whole. */
  write(input: string): void {
    this.#child.stdin?.end(input)
  }

  /** Sends the signal, if it still runs, and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (this.running) this.#child.kill(signal)
    return await this.ended
  }

  /** Waits until `ready` is true; throws `PROCESS_NOT_READY` with the output if the process ends before, or after three minutes. */
  async until(ready: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + READY_MS_MAX
    while (this.running && performance.now() < deadline) {
      if (await ready()) return
      await wait(READY_POLL_MS)
    }
    throw new OperationalError('PROCESS_NOT_READY', `The process did not become ready:\n${this.#output}`)
  }
}
