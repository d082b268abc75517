/** The relay in a process of its own over a database that stays: started quickly, killed with -9. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openRelayLog } from './relay-log.ts'

const SCRIPT = join(import.meta.dirname, '../../services/xmpp/test/_relay-process.ts')

export class RelayProcess implements AsyncDisposable {
  /** Where it takes direct TLS, once `start` has resolved. */
  port = 0
  /** Of its HTTP. */
  origin = ''
  killedAtMs: number | undefined
  readonly #child: ChildProcess

  /** Loads the program, and waits there. `logFile`: where it says everything. */
  constructor({ databaseUrl, dataDir }: { databaseUrl: string; dataDir: string }, logFile?: string) {
    using log = openRelayLog(logFile)
    this.#child = spawn(process.execPath, [SCRIPT, databaseUrl, dataDir, '0', 'standby'], {
      stdio: ['pipe', 'pipe', log.stderr],
      env: { ...process.env, ...log.env, NODE_COMPILE_CACHE: join(dataDir, 'compile-cache') },
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const { stdin, stdout } = this.#child
    if (!stdin || !stdout) throw new Error('no pipes')
    stdin.write('start\n')
    for await (const line of createInterface({ input: stdout })) {
      const [, port, httpPort] = /^listening on \d+ (\d+) (\d+)$/.exec(line) ?? []
      if (httpPort === undefined) continue
      this.port = Number(port)
      this.origin = `http://127.0.0.1:${httpPort}`
      return
    }
    throw new Error('the relay did not start')
  }

  async kill(): Promise<void> {
    if (this.killedAtMs !== undefined || this.#child.exitCode !== null) return
    const exited = once(this.#child, 'exit')
    this.killedAtMs = Date.now()
    this.#child.kill('SIGKILL')
    await exited
  }

  /** A clean stop: sessions that may be resumed are sealed for the next process. */
  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }

  /** Lets it end by itself, and so leave its compiled program for those that come. */
  async end(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.stdin?.end()
    await exited
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
