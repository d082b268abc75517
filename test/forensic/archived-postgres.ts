/** A Postgres as operators run it: it archives its log, and base backups are taken of it while it runs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import { Client } from 'pg'
import { findPostgresUser } from '../../packages/dev-env/src/postgres/binaries.ts'
import { FaultyPostgres } from '../faults/postgres.ts'

export class ArchivedPostgres implements AsyncDisposable {
  readonly #postgres: FaultyPostgres
  readonly #parent: string
  #backups = 0

  private constructor(postgres: FaultyPostgres, parent: string) {
    this.#postgres = postgres
    this.#parent = parent
  }

  static async start(parent: string): Promise<ArchivedPostgres> {
    const [archive, logs, user] = [join(parent, 'archive'), join(parent, 'log'), await findPostgresUser()]
    for (const directory of [archive, logs]) await mkdir(directory)
    await mkdir(join(parent, 'backups'))
    if (user !== undefined)
      for (const directory of [archive, logs]) await chown(directory, user.uid, user.gid)
    const postgres = await FaultyPostgres.start(parent, {
      wal_level: 'replica',
      archive_mode: 'on',
      archive_command: `cp "%p" "${archive}/%f"`,
      logging_collector: 'on',
      log_directory: logs,
    })
    return new ArchivedPostgres(postgres, parent)
  }

  get url(): string {
    return this.#postgres.url
  }

  /** Everything that its disks hold: the cluster, the archive, all backups, and what it has said. */
  get directories(): string[] {
    return [
      this.#postgres.directory,
      ...['archive', 'backups', 'log'].map((name) => join(this.#parent, name)),
    ]
  }

  get logs(): string {
    return join(this.#parent, 'log')
  }

  /** As `pg_basebackup` takes one. */
  async backUp(): Promise<void> {
    await this.run(`select pg_backup_start('forensic', true)`, async () => {
      const name = `backup-${String(this.#backups++)}`
      await copy(this.#postgres.directory, join(this.#parent, 'backups', name))
    })
  }

  async run(statement: string, meanwhile?: () => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: this.url })
    await client.connect()
    try {
      await client.query(statement)
      if (meanwhile === undefined) return
      await meanwhile()
      await client.query('select pg_backup_stop()')
    } finally {
      await client.end()
    }
  }

  /** At once, without a checkpoint. */
  stop(): Promise<void> {
    return this.#postgres.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#postgres[Symbol.asyncDispose]()
  }
}

/** Files may go while they are copied: what Postgres needs of them is in its log. */
async function copy(from: string, to: string): Promise<void> {
  const copying = spawn('cp', ['-a', from, to], { stdio: ['ignore', 'ignore', 'pipe'], env: { LC_ALL: 'C' } })
  const [said] = await Promise.all([text(copying.stderr), once(copying, 'exit')])
  const wrong = said.split('\n').filter((line) => line !== '' && !line.endsWith('No such file or directory'))
  if (wrong.length > 0) throw new Error(wrong.join('\n'))
}
