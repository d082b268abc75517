/** Gajim: a client with windows (GTK 3), with XEP-0198 and, by Debian's plugin, OMEMO. Its account is put into its settings; then it is told by D-Bus what to send. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { Desktop, type Program } from './desktop.ts'
import { OwnNetwork } from './own-network.ts'
import { DOMAIN, type Person } from './xmpp-js.ts'

const WAIT_MS = 40_000
const ACCOUNT = 'interop'

export interface GajimOptions {
  readonly person: Person
  /** Written to with OMEMO. */
  readonly contact: string
  readonly port: number
  readonly caFile: string
}

export class Gajim implements AsyncDisposable {
  #stack = new AsyncDisposableStack()
  readonly #desktop: Desktop
  readonly #network: OwnNetwork
  #program: Program | undefined

  private constructor(desktop: Desktop, network: OwnNetwork) {
    this.#desktop = desktop
    this.#network = network
  }

  /** An installation of its own with one account. */
  static async create({ person, contact, port, caFile }: GajimOptions): Promise<Gajim> {
    await using stack = new AsyncDisposableStack()
    const network = stack.use(await OwnNetwork.create({ names: [DOMAIN], caFile, port, inside: 5222 }))
    const desktop = stack.use(await Desktop.create())
    const gajim = new Gajim(desktop, network)
    gajim.start() // makes its settings
    await gajim.until(() => existsSync(gajim.#logs), 'settings')
    await gajim.end()
    gajim.#configure(person, contact)
    gajim.#stack = stack.move()
    return gajim
  }

  start(): void {
    this.#program = this.#desktop.start(['gajim', '--verbose'], this.#network.prefix)
  }

  async end(): Promise<void> {
    await this.#program?.end()
  }

  /** Has it send a message, encrypted; false while it is not signed in. */
  async send(to: string, text: string): Promise<boolean> {
    const target = ['--dest', 'org.gajim.Gajim', '--object-path', '/org/gajim/dbus/RemoteObject']
    const method = ['--method', 'org.gajim.dbus.RemoteInterface.send_chat_message', to, text, ACCOUNT]
    const answer = await this.#desktop.run('gdbus', 'call', '--session', ...target, ...method).catch(() => '')
    return answer.includes('true')
  }

  /** Texts of the messages that it has received and could read, in order. */
  received(): string[] {
    if (!existsSync(this.#logs)) return []
    const database = new DatabaseSync(this.#logs, { timeout: 5_000 })
    try {
      const rows = database.prepare('select message from logs where kind = 4 order by log_line_id').all()
      return rows.map(({ message }) => String(message))
    } finally {
      database.close()
    }
  }

  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !(await condition());) {
      if (Date.now() > deadline)
        throw new Error(`Gajim: waited in vain for ${what}:\n${this.#program?.output.slice(-6_000) ?? ''}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  get #logs(): string {
    return join(this.#desktop.home, 'data', 'gajim', 'logs.db')
  }

  #configure(person: Person, contact: string): void {
    const account = {
      active: true,
      autoconnect: true,
      name: person.username,
      hostname: DOMAIN,
      password: person.password,
      savepass: true,
      // What it would say of having got a message would wait for whoever is away.
      answer_receipts: false,
      send_marker_default: false,
      resource: 'gajim.interop',
      use_custom_host: true,
      custom_host: DOMAIN,
      custom_port: 5222,
      custom_type: 'START TLS',
    }
    const settings = { account, contact: { [contact]: { encryption: 'OMEMO' } }, group_chat: {} }
    const app = { use_keyring: false, remote_control: true, check_for_update: false }
    const database = new DatabaseSync(join(this.#desktop.home, 'config', 'gajim', 'settings.sqlite'))
    database
      .prepare('insert into account_settings (account, settings) values (?, ?)')
      .run(ACCOUNT, JSON.stringify(settings))
    const change = database.prepare('update settings set settings = ? where name = ?')
    change.run(JSON.stringify(app), 'app')
    change.run(JSON.stringify({ omemo: { active: true } }), 'plugins')
    database.close()
  }
}
