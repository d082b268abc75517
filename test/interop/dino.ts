/** Dino: a client with windows (GTK 4), with XEP-0198 and OMEMO. Its account is put into its database; what it received is read there. */
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { Desktop, type Program } from './desktop.ts'
import { OwnNetwork } from './own-network.ts'
import { DOMAIN, type Person } from './xmpp-js.ts'

const WAIT_MS = 30_000
const RESOURCE = 'dino.interop'

export interface DinoOptions {
  readonly person: Person
  readonly port: number
  readonly caFile: string
}

export class Dino implements AsyncDisposable {
  #stack = new AsyncDisposableStack()
  readonly #desktop: Desktop
  readonly #network: OwnNetwork
  #program: Program | undefined

  private constructor(desktop: Desktop, network: OwnNetwork) {
    this.#desktop = desktop
    this.#network = network
  }

  /** An installation of its own; it looks for the server at port 5222 of the domain, and nowhere else. */
  static async create({ person, port, caFile }: DinoOptions): Promise<Dino> {
    await using stack = new AsyncDisposableStack()
    const network = stack.use(await OwnNetwork.create({ names: [DOMAIN], caFile, port, inside: 5222 }))
    const desktop = stack.use(await Desktop.create())
    const dino = new Dino(desktop, network)
    await dino.start() // makes the database
    await dino.until(
      () => dino.#rows("select 1 from sqlite_master where name = 'settings'").length > 0,
      'a database',
    )
    await dino.end()
    using database = dino.#open()
    database.db
      .prepare('insert into account (bare_jid, resourcepart, password, enabled) values (?, ?, ?, 1)')
      .run(person.jid, RESOURCE, person.password)
    // What it would say of having read a message would wait for whoever is away.
    database.db.prepare("insert into settings (key, value) values ('send_marker', 'false')").run()
    dino.#stack = stack.move()
    return dino
  }

  async start(): Promise<void> {
    this.#program = this.#desktop.start(['dino-im'], this.#network.prefix)
  }

  async end(): Promise<void> {
    await this.#program?.end()
  }

  /** What it printed. */
  get output(): string {
    return this.#program?.output ?? ''
  }

  /** Bodies of the messages that it has received and could read, in order. */
  received(): string[] {
    return this.#rows('select body from message where direction = 0 order by id').map(({ body }) =>
      String(body),
    )
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    for (const deadline = Date.now() + WAIT_MS; !condition();) {
      if (Date.now() > deadline) throw new Error(`Dino: waited in vain for ${what}:\n${this.output}`)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }

  /** Nothing while there is no database yet. */
  #rows(statement: string): Record<string, unknown>[] {
    try {
      using database = this.#open()
      return database.db.prepare(statement).all()
    } catch {
      return []
    }
  }

  #open(): Disposable & { readonly db: DatabaseSync } {
    const db = new DatabaseSync(join(this.#desktop.home, 'data', 'dino', 'dino.db'), { timeout: 5_000 })
    return { db, [Symbol.dispose]: () => db.close() }
  }
}
