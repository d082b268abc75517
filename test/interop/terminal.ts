/** A program in a terminal, driven through tmux as by a person at the keyboard. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const WAIT_MS = 60_000
const LOOK_MS = 100

export class Terminal {
  readonly #name: string
  readonly #prefix: readonly string[]
  /** Name of the tmux server: one for each terminal, so that ending it ends nobody else's. */
  readonly #tmux = `sealpost-${randomBytes(6).toString('hex')}`
  #running = false

  /** `name` stands in errors; `prefix` is put before tmux, and so before the program. */
  constructor(name: string, prefix: readonly string[] = []) {
    this.#name = name
    this.#prefix = prefix
  }

  async start(command: readonly string[], variables: Readonly<Record<string, string>>): Promise<void> {
    const all = { TERM: 'screen-256color', LANG: 'C.UTF-8', ...variables }
    const environment = Object.entries(all).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    await this.#do('new-session', '-d', '-s', 'main', '-x', '200', '-y', '50', ...environment, ...command)
    this.#running = true
  }

  /** What is on the screen, long lines joined. */
  async screen(): Promise<string> {
    return (await this.#do('capture-pane', '-p', '-J', '-t', 'main')).trimEnd()
  }

  async type(line: string): Promise<void> {
    await this.keys(line)
    await this.#do('send-keys', '-t', 'main', 'Enter')
  }

  /** All at once, as pasted text. */
  async keys(text: string): Promise<void> {
    await this.#do('send-keys', '-t', 'main', '-l', text)
  }

  /** Waits until the screen shows `text`. */
  async shows(text: string): Promise<void> {
    await this.until(async () => (await this.screen()).includes(text), `the screen to show ${text}`)
  }

  async until(condition: () => Promise<boolean>, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline;) {
      if (await condition()) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new Error(`${this.#name}: waited in vain for ${what}`)
  }

  /** Waits until the program has ended by itself. */
  async ended(): Promise<void> {
    await this.until(async () => !(await this.#isRunning()), 'it to end')
    this.#running = false
  }

  /** Ends what is still running: the program, too, which may not notice that its terminal is gone. */
  async kill(): Promise<void> {
    if (!this.#running) return
    this.#running = false
    const pid = Number(await this.#do('display-message', '-p', '-t', 'main', '#{pane_pid}').catch(() => 0))
    await this.#do('kill-server').catch(() => undefined)
    if (pid > 0 && existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGKILL')
  }

  async #isRunning(): Promise<boolean> {
    return this.#do('has-session', '-t', 'main').then(
      () => true,
      () => false,
    )
  }

  async #do(...args: readonly string[]): Promise<string> {
    const [first = '', ...rest] = [...this.#prefix, 'tmux', '-L', this.#tmux, '-f', '/dev/null', ...args]
    const { stdout } = await exec(first, rest)
    return stdout
  }
}
