/** profanity: a client for the terminal on libstrophe, with XEP-0198, OMEMO and OX. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { TerminalClient } from './terminal-client.ts'
import { Terminal } from './terminal.ts'
import { Transcript } from './transcript.ts'
import type { Person } from './xmpp-js.ts'

export interface ProfanityOptions {
  readonly person: Person
  readonly resource: string
  readonly port: number
  readonly caFile: string
  /** GnuPG's home, for OX. */
  readonly gnupgHome?: string
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

export class Profanity extends TerminalClient {
  readonly #options: ProfanityOptions
  readonly #home: string

  private constructor(options: ProfanityOptions, home: string) {
    super(new Terminal(`profanity of ${options.person.username}`))
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
      await profanity.terminal.kill()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    })
    return profanity
  }

  get #log(): string {
    return join(this.#home, 'profanity.log')
  }

  /** Starts it; it signs in by itself. */
  async start(): Promise<void> {
    const { person, caFile, gnupgHome = this.#home } = this.#options
    const variables = {
      HOME: this.#home,
      XDG_CONFIG_HOME: join(this.#home, 'config'),
      XDG_DATA_HOME: join(this.#home, 'data'),
      GNUPGHOME: gnupgHome,
      SSL_CERT_FILE: caFile,
    }
    const command = ['profanity', '--log', 'DEBUG', '--logfile', this.#log, '--account', person.username]
    await this.terminal.start(command, variables)
    await this.shows(`${person.jid}/${this.#options.resource} logged in successfully`)
  }

  /** Waits until the log, which has every stanza, matches. */
  async logs(pattern: RegExp): Promise<void> {
    await this.terminal.until(
      async () => pattern.test(await readFile(this.#log, 'utf8')),
      `the log to match ${pattern.source}`,
    )
  }
}
