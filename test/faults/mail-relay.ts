/** The mail relay in a process of its own over a database and files that stay: started quickly, frozen, killed with -9. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openRelayLog } from './relay-log.ts'

const SCRIPT = join(import.meta.dirname, '../../services/smtp/test/_relay-process.ts')

export interface RelayPorts {
  readonly mx: number
  readonly submissions: number
  readonly http: number
}

export class MailRelay implements AsyncDisposable {
  readonly #child: ChildProcess
  #ports: RelayPorts | undefined
  #killed = false

  /** Loads the program, and waits there. `logFile`: where it says everything. */
  constructor({ databaseUrl, dataDir }: { databaseUrl: string; dataDir: string }, logFile?: string) {
    using log = openRelayLog(logFile)
    this.#child = spawn(process.execPath, [SCRIPT, databaseUrl, dataDir], {
      stdio: ['pipe', 'pipe', log.stderr],
      env: { ...process.env, ...log.env, NODE_COMPILE_CACHE: join(dataDir, 'compile-cache') },
    })
  }

  get ports(): RelayPorts {
    if (this.#ports === undefined) throw new Error('the relay was not started')
    return this.#ports
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it listens. `settings`: variables of the environment. */
  async start(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const { stdin, stdout } = this.#child
    if (!stdin || !stdout) throw new Error('no pipes')
    stdin.write(`${JSON.stringify(settings)}\n`)
    for await (const line of createInterface({ input: stdout })) {
      const [, mx, submissions, http] = /^listening on (\d+) \d+ (\d+) (\d+)$/.exec(line) ?? []
      if (http === undefined) continue
      this.#ports = { mx: Number(mx), submissions: Number(submissions), http: Number(http) }
      return
    }
    throw new Error('the relay did not start')
  }

  /** It stands still (SIGSTOP), for good. */
  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  async kill(): Promise<void> {
    if (this.#killed || this.#child.exitCode !== null) return
    this.#killed = true
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
