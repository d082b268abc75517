/** Poezio: a client for the terminal in Python, on slixmpp. Debian 12 ships it without OMEMO, so that it can sign in, see who is there, and read what is not encrypted by it: offers of OTR. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { TerminalClient } from './terminal-client.ts'
import { Terminal } from './terminal.ts'
import { Transcript } from './transcript.ts'
import { giveAway, UNPRIVILEGED } from './unprivileged.ts'
import type { Person } from './xmpp-js.ts'

const KEY_MS = 300
export interface PoezioOptions {
  readonly person: Person
  readonly port: number
  readonly caFile: string
}

export class Poezio extends TerminalClient {
  readonly #home: string

  private constructor({ person }: PoezioOptions, home: string) {
    super(new Terminal(`poezio of ${person.username}`, UNPRIVILEGED))
    this.#home = home
  }

  /** An installation of its own with one account; ended and removed when the test ends. */
  static async create(options: PoezioOptions): Promise<Poezio> {
    const home = await mkdtemp(join(tmpdir(), 'sealpost-poezio-'))
    const poezio = new Poezio(options, home)
    const { person, port, caFile } = options
    const settings = {
      jid: `${person.jid}/poezio`,
      password: person.password,
      custom_host: '127.0.0.1',
      custom_port: port,
      ca_cert_path: join(home, 'ca.pem'),
      use_log: 'false',
      enable_smacks: 'true',
      lang: 'en',
    }
    const config = join(home, 'config', 'poezio')
    await mkdir(config, { recursive: true })
    await copyFile(caFile, join(home, 'ca.pem'))
    await writeFile(join(config, 'poezio.cfg'), section('Poezio', settings), { mode: 0o600 })
    await giveAway(home)
    const transcript = new Transcript(`poezio ${person.username}`, [person.password])
    onTestFinished(async () => {
      transcript.add('shows', await poezio.screen().catch(() => ''))
      await poezio.terminal.kill()
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
    })
    return poezio
  }

  /** Starts it; it signs in by itself. */
  async start(): Promise<void> {
    const variables = {
      HOME: this.#home,
      XDG_CONFIG_HOME: join(this.#home, 'config'),
      XDG_DATA_HOME: join(this.#home, 'data'),
      XDG_CACHE_HOME: join(this.#home, 'cache'),
    }
    await this.terminal.start(['poezio'], variables)
    await this.shows('Authentication success')
  }

  /** In pieces, as a hand types: what comes at once it takes for pasted text, and a command is none then. */
  override async type(line: string): Promise<void> {
    for (const piece of [line.slice(0, 1), line.slice(1)]) {
      await this.terminal.keys(piece)
      await new Promise((resolve) => setTimeout(resolve, KEY_MS))
    }
    await this.terminal.type('')
  }
}

function section(name: string, settings: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`)
  return `[${name}]\n${lines.join('')}\n`
}
