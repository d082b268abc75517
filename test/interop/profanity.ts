/** profanity: a client for the terminal on libstrophe, with XEP-0198 and OMEMO, driven through tmux as by a person at the keyboard. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { Transcript } from './transcript.ts'
import type { Person } from './xmpp-js.ts'

const exec = promisify(execFile)
const WAIT_MS = 20_000
const LOOK_MS = 100

export interface ProfanityOptions {
  readonly person: Person
  readonly resource: string
  readonly port: number
  readonly caFile: string
}

/** Trust on first use; windows and logs as quiet as they can be. */
const SETTINGS = `[logging]
chlog=false

[notifications]
message=false

[omemo]
log=off
policy=manual
trustmode=blind

[ui]
splash=false
`

export class Profanity {
  readonly #options: ProfanityOptions
  readonly #home: string
  /** Name of the tmux server: one for each installation, so that ending it ends nobody else's. */
  readonly #tmux = `sealpost-${randomBytes(6).toString('hex')}`
  #running = false

  private constructor(options: ProfanityOptions, home: string) {
    this.#options = options
    this.#home = home
  }

  /** An installation of its own with one account; ended and removed when the test ends. */
  static async create(options: ProfanityOptions): Promise<Profanity> {
    const home = await mkdtemp(join(tmpdir(), 'sealpost-profanity-'))
    const profanity = new Profanity(options, home)
    const { person, resource, port } = options
    const account = {
      enabled: 'true',
      jid: person.jid,
      resource,
      server: '127.0.0.1',
      port,
      'tls.policy': 'force',
      password: person.password,
    }
    const lines = Object.entries(account).map(([name, value]) => `${name}=${value}\n`)
    for (const directory of ['config', 'data'])
      await mkdir(join(home, directory, 'profanity'), { recursive: true })
    await writeFile(join(home, 'config', 'profanity', 'profrc'), SETTINGS)
    await writeFile(join(home, 'data', 'profanity', 'accounts'), `[${person.username}]\n${lines.join('')}`, {
      mode: 0o600,
    })
    const transcript = new Transcript(`profanity ${person.username}`, [person.password])
    onTestFinished(async () => {
      const log = await readFile(profanity.#log, 'utf8').catch(() => '')
      for (const line of log.split('\n')) if (/SENT|RECV|ERR:|WRN:|OMEMO/.test(line)) transcript.add('', line)
      transcript.add('shows', await profanity.screen().catch(() => ''))
      await profanity.#end()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    })
    return profanity
  }

  get #log(): string {
    return join(this.#home, 'profanity.log')
  }

  /** Starts it; it signs in by itself. */
  async start(): Promise<void> {
    const { person, caFile } = this.#options
    const variables = {
      HOME: this.#home,
      XDG_CONFIG_HOME: join(this.#home, 'config'),
      XDG_DATA_HOME: join(this.#home, 'data'),
      SSL_CERT_FILE: caFile,
      TERM: 'screen-256color',
      LANG: 'C.UTF-8',
    }
    const environment = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`])
    const command = ['profanity', '--log', 'DEBUG', '--logfile', this.#log, '--account', person.username]
    await this.#do('new-session', '-d', '-s', 'main', '-x', '200', '-y', '50', ...environment, ...command)
    this.#running = true
    await this.shows(`${person.jid}/${this.#options.resource} logged in successfully`)
  }

  /** What is on the screen, long lines joined. */
  async screen(): Promise<string> {
    return (await this.#do('capture-pane', '-p', '-J', '-t', 'main')).trimEnd()
  }

  async type(line: string): Promise<void> {
    await this.#do('send-keys', '-t', 'main', '-l', line)
    await this.#do('send-keys', '-t', 'main', 'Enter')
  }

  /** Waits until the screen shows `text`. */
  async shows(text: string): Promise<void> {
    await this.#until(async () => (await this.screen()).includes(text), `the screen to show ${text}`)
  }

  /** Waits until the log, which has every stanza, matches. */
  async logs(pattern: RegExp): Promise<void> {
    await this.#until(
      async () => pattern.test(await readFile(this.#log, 'utf8')),
      `the log to match ${pattern.source}`,
    )
  }

  /** Closes the stream and the program. */
  async quit(): Promise<void> {
    await this.type('/quit')
    await this.#until(async () => !(await this.#isRunning()), 'it to end')
    this.#running = false
  }

  async #until(condition: () => Promise<boolean>, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline;) {
      if (await condition()) return
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new Error(`profanity of ${this.#options.person.username}: waited in vain for ${what}`)
  }

  async #isRunning(): Promise<boolean> {
    return this.#do('has-session', '-t', 'main').then(
      () => true,
      () => false,
    )
  }

  async #end(): Promise<void> {
    if (this.#running) await this.#do('kill-server').catch(() => undefined)
  }

  async #do(...args: readonly string[]): Promise<string> {
    const { stdout } = await exec('tmux', ['-L', this.#tmux, '-f', '/dev/null', ...args])
    return stdout
  }
}
