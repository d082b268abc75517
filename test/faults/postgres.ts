/** A Postgres that the test stops, freezes and kills; nobody watches over it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { embeddedDatabaseUrl, startEmbeddedPostgres, stopLeftovers } from '@sealpost/dev-env'
import { systemClock, systemRandom } from '@sealpost/runtime'
import { findBinaries, findPostgresUser } from '../../packages/dev-env/src/postgres/binaries.ts'
import { type Postmaster, startPostmaster } from '../../packages/dev-env/src/postgres/postmaster.ts'
import { settings } from '../../packages/dev-env/src/postgres/settings.ts'

export class FaultyPostgres implements AsyncDisposable {
  readonly url: string
  /** Of the cluster. */
  readonly directory: string
  readonly #start: () => Promise<Postmaster>
  #running: Postmaster

  private constructor(url: string, directory: string, running: Postmaster, start: () => Promise<Postmaster>) {
    this.url = url
    this.directory = directory
    this.#running = running
    this.#start = start
  }

  /** On a new cluster in this directory, which the user of Postgres must be able to enter. `extra`: settings besides ours. */
  static async start(parent: string, extra: Readonly<Record<string, string>> = {}): Promise<FaultyPostgres> {
    const [directory, socketDirectory] = [join(parent, 'postgres'), join(parent, 'run')]
    const own = { directory, socketDirectory, clock: systemClock, random: systemRandom, unsynced: true }
    await (await startEmbeddedPostgres(own))[Symbol.asyncDispose]()
    const [binaries, user] = [await findBinaries(), await findPostgresUser()]
    const options = { binaries, user, directory, settings: settings(socketDirectory, extra) }
    const start = () => startPostmaster(options)
    const url = await embeddedDatabaseUrl({ postgres: directory, run: socketDirectory })
    return new FaultyPostgres(url, directory, await start(), start)
  }

  /** As `pg_ctl stop -m immediate`: no checkpoint, no goodbye. */
  stop(): Promise<void> {
    return this.#end('SIGQUIT')
  }

  /** Its children end by themselves when they notice. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async restart(): Promise<void> {
    await stopLeftovers(this.directory)
    this.#running = await this.#start()
  }

  /** Every process of it stands still: nothing answers, nothing is refused. */
  async freeze(): Promise<void> {
    for (const pid of await this.#processes()) signalTo(pid, 'SIGSTOP')
  }

  async thaw(): Promise<void> {
    for (const pid of await this.#processes()) signalTo(pid, 'SIGCONT')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.thaw()
    await this.#running.stop()
    await stopLeftovers(this.directory)
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    process.kill(this.#running.pid, signal)
    await this.#running.ended
  }

  /** The postmaster first, so that it starts no others meanwhile. */
  async #processes(): Promise<number[]> {
    const { pid } = this.#running
    const children = await Promise.all(
      (await readdir('/proc')).map(async (name) => {
        const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
        return stat.split(') ')[1]?.split(' ')[1] === String(pid) ? [Number(name)] : []
      }),
    )
    return [pid, ...children.flat()]
  }
}

/** Sessions end at any time. */
function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
