/** mcabber: a client for the terminal on loudmouth, which knows PLAIN and no SCRAM, with OTR. */
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { TerminalClient } from './terminal-client.ts'
import { Terminal } from './terminal.ts'
import { Transcript } from './transcript.ts'

export interface McabberOptions {
  /** With which it signs in: the account's, or that of an app password. */
  readonly login: string
  readonly password: string
  readonly port: number
  readonly caFile: string
}

export class Mcabber extends TerminalClient {
  readonly #home: string

  private constructor({ login }: McabberOptions, home: string) {
    super(new Terminal(`mcabber of ${login}`))
    this.#home = home
  }

  /** An installation of its own with one account; ended and removed when the test ends. */
  static async create(options: McabberOptions): Promise<Mcabber> {
    const home = await mkdtemp(join(tmpdir(), 'sealpost-mcabber-'))
    const mcabber = new Mcabber(options, home)
    const { login, password, port, caFile } = options
    await mkdir(join(home, 'otr'), { mode: 0o700 })
    await copyFile(caFile, join(home, 'ca.pem'))
    const settings = {
      jid: login,
      password,
      server: '127.0.0.1',
      port,
      resource: 'mcabber',
      tls: 1,
      ssl_ca: join(home, 'ca.pem'),
      otr: 1,
      otr_dir: join(home, 'otr'),
      tracelog_level: 2,
      tracelog_file: join(home, 'trace.log'),
    }
    const lines = Object.entries(settings).map(([name, value]) => `set ${name} = ${value}\n`)
    await writeFile(join(home, 'mcabberrc'), `${lines.join('')}otrpolicy default manual\n`, { mode: 0o600 })
    const transcript = new Transcript(`mcabber ${login}`, [password])
    onTestFinished(async () => {
      for (const line of (await mcabber.#trace()).split('\n')) transcript.add('', line)
      transcript.add('shows', await mcabber.screen().catch(() => ''))
      await mcabber.terminal.kill()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    })
    return mcabber
  }

  /** Starts it; it signs in by itself. */
  async start(): Promise<void> {
    await this.terminal.start(['mcabber', '-f', join(this.#home, 'mcabberrc')], { HOME: this.#home })
  }

  /** Waits until the trace of what it does matches. */
  async traces(pattern: RegExp): Promise<void> {
    await this.terminal.until(
      async () => pattern.test(await this.#trace()),
      `the trace to match ${pattern.source}`,
    )
  }

  #trace(): Promise<string> {
    return readFile(join(this.#home, 'trace.log'), 'utf8').catch(() => '')
  }
}
