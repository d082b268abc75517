/** What every test of this folder begins with: a database and a data directory, accounts, their devices; and what may be left at the end. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccounts } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { createTestPlatform, type TestPlatform } from '../platform.ts'
import { type Devices, People } from './people.ts'

/** The keyring's file: a header page, then slots; a free or wiped one is all zeros. */
const HEADER_BYTES = 4096

export class Scene implements AsyncDisposable {
  readonly people: People
  readonly #platform: TestPlatform

  private constructor(platform: TestPlatform, people: People) {
    this.#platform = platform
    this.people = people
  }

  /** On a database of the run's Postgres, or on the one of the URL. */
  static async set(devices: Devices, databaseUrl?: string): Promise<Scene> {
    const platform = await createTestPlatform(['localhost'], databaseUrl)
    const { bus, clock, random } = platform
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    for (const name of Object.keys(devices)) await accounts.create(parseJid(`${name}@localhost`), 'secret')
    return new Scene(platform, new People(devices))
  }

  /** Where a relay process finds its database and its files. */
  get where(): { readonly databaseUrl: string; readonly dataDir: string } {
    return this.#platform
  }

  /** What is left of all the messages. */
  async kept(): Promise<{ rows: number; keys: boolean }> {
    const { databaseUrl, dataDir } = this.#platform
    await using db = await openDb({ url: databaseUrl, role: 'sealpost_xmpp' })
    const [row] = await db.query<{ count: number }>(sql`select count(*)::int as count from xmpp.sealed`)
    const slots = (await readFile(join(dataDir, 'keyring/keyring.slots'))).subarray(HEADER_BYTES)
    return { rows: row?.count ?? -1, keys: slots.some((byte) => byte !== 0) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#platform[Symbol.asyncDispose]()
  }
}

export const NOTHING_KEPT = { rows: 0, keys: false }
export const NOTHING_WRONG = { lost: [], late: [], twice: [], retracted: [] }

/** Removed at the end; other users may pass through it, as Postgres must. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'sealpost-faults-'))
  await chmod(path, 0o711)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
