/** A screen that nobody looks at (Xvfb) with a session bus of its own, and programs with windows that run there, each in a network of its own. */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { giveAway, UNPRIVILEGED } from './unprivileged.ts'

const exec = promisify(execFile)
/** Xvfb and the bus are there within a moment. */
const START_MS = 10_000
/** Programs close their databases when they are asked to end. */
const END_MS = 5_000
/** Of what a program prints, for the report of a failure. */
const OUTPUT_CHARACTERS_MAX = 20_000

/** One program, from its start until it is ended. */
export class Program {
  readonly #child: ChildProcess
  output = ''

  constructor(child: ChildProcess) {
    this.#child = child
    const read = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX)
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Asks it to end, and all that it has started; ends what does not. */
  async end(): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    signal(pid, 'SIGTERM')
    for (const deadline = Date.now() + END_MS; signal(pid, 0) && Date.now() < deadline;)
      await new Promise((resolve) => setTimeout(resolve, 50))
    signal(pid, 'SIGKILL')
    if (this.isRunning) await once(this.#child, 'exit')
  }
}

/** To a group of processes; false when nobody is left in it. */
function signal(group: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, name)
  } catch {
    return false
  }
}

export class Desktop implements AsyncDisposable {
  readonly home: string
  readonly #stack: AsyncDisposableStack
  readonly #variables: Readonly<Record<string, string>>

  private constructor(home: string, display: string, stack: AsyncDisposableStack) {
    this.home = home
    this.#stack = stack
    this.#variables = {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_RUNTIME_DIR: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CACHE_HOME: join(home, 'cache'),
      DISPLAY: display,
      DBUS_SESSION_BUS_ADDRESS: busAddress(home),
      LANG: 'C.UTF-8',
      // Nothing draws by a graphics card here, asks about the network, or keeps settings elsewhere than in the home directory.
      GDK_BACKEND: 'x11',
      GSK_RENDERER: 'cairo',
      LIBGL_ALWAYS_SOFTWARE: '1',
      GIO_USE_NETWORK_MONITOR: 'base',
      GSETTINGS_BACKEND: 'memory',
      GTK_A11Y: 'none',
      NO_AT_BRIDGE: '1',
    }
  }

  static async create(): Promise<Desktop> {
    await using stack = new AsyncDisposableStack()
    const home = await mkdtemp(join(tmpdir(), 'sealpost-desktop-'))
    stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }))
    await giveAway(home)
    const screen = start('Xvfb', [
      '-displayfd',
      '1',
      '-ac',
      '-nolisten',
      'tcp',
      '-screen',
      '0',
      '1280x800x24',
    ])
    stack.defer(() => screen.end())
    await until(() => /^\d+$/m.test(screen.output), 'the screen')
    const address = ['--session', '--nofork', '--print-address', '--address', busAddress(home)]
    const bus = startUnprivileged(['dbus-daemon', ...address], [])
    stack.defer(() => bus.end())
    await until(() => bus.output.includes('unix:'), 'the bus')
    const display = /^\d+$/m.exec(screen.output)?.[0] ?? ''
    return new Desktop(home, `:${display}`, stack.move())
  }

  /** Starts a program there; `prefix` is put before the command. Ended with the desktop at the latest. */
  start(command: readonly string[], prefix: readonly string[] = []): Program {
    const program = startUnprivileged(command, prefix, this.#variables)
    this.#stack.defer(() => program.end())
    return program
  }

  /** Runs a command there to its end, and gives what it prints. */
  async run(command: string, ...args: readonly string[]): Promise<string> {
    const [first = '', ...rest] = [...UNPRIVILEGED, command, ...args]
    const { stdout } = await exec(first, rest, { env: this.#variables, timeout: START_MS })
    return stdout
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

function startUnprivileged(
  command: readonly string[],
  prefix: readonly string[],
  env?: Readonly<Record<string, string>>,
): Program {
  const [first = '', ...rest] = [...prefix, ...UNPRIVILEGED, ...command]
  return start(first, rest, env)
}

const busAddress = (home: string): string => `unix:path=${join(home, 'bus')}`

/** In a group of processes of its own, so that it can be ended with all that it starts. */
function start(command: string, args: readonly string[], env?: Readonly<Record<string, string>>): Program {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  return new Program(
    spawn(command, [...args], { detached: true, stdio: [...stdio], ...(env ? { env } : {}) }),
  )
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + START_MS; !condition();) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
