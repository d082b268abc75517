/** The relay in another process, over the data of a fixture. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { RelayLimits } from '../src/relay.ts'
import type { DeliveryFixture } from './delivery-fixture.ts'

export interface RelayProcessOptions {
  readonly limits?: Partial<RelayLimits>
  /** Of Node. */
  readonly flags?: readonly string[]
}

export class RelayProcess {
  readonly port: number
  /** Of the relay's HTTP routes. */
  readonly origin: string
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number, httpPort: number) {
    this.#child = child
    this.port = port
    this.origin = `http://127.0.0.1:${String(httpPort)}`
  }

  /** @param fixture whose own relay is stopped */
  static async start(
    fixture: DeliveryFixture,
    { limits = {}, flags = [] }: RelayProcessOptions = {},
  ): Promise<RelayProcess> {
    const { databaseUrl, dataDir } = fixture.platform
    const script = join(import.meta.dirname, '_relay-process.ts')
    const child = spawn(
      process.execPath,
      [...flags, script, databaseUrl, dataDir, '0', 'run', JSON.stringify(limits)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    for await (const line of createInterface({ input: child.stdout })) {
      const [, port, http] = /^listening on (\d+) \d+ (\d+)$/.exec(line) ?? []
      if (port !== undefined) return new RelayProcess(child, Number(port), Number(http))
    }
    throw new Error('the relay did not start')
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** As an operator stops it. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill(signal)
    await exited
  }
}
