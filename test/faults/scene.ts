/** What every test of this folder begins with: a database and a data directory, accounts, their devices; and what may be left at the end. */
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAccounts } from '@sealpost/accounts'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { createTestPlatform, type TestPlatform } from '../platform.ts'
import { Device } from './device.ts'
import { Ledger } from './ledger.ts'

/** The keyring's file: a header page, then slots; a free or wiped one is all zeros. */
const HEADER_BYTES = 4096

export interface DeviceTraits {
  readonly name: string
  readonly modern: boolean
}

export class Scene implements AsyncDisposable {
  readonly ledger = new Ledger()
  readonly devices: readonly Device[]
  readonly #platform: TestPlatform

  private constructor(platform: TestPlatform, devices: Readonly<Record<string, readonly DeviceTraits[]>>) {
    this.#platform = platform
    const obliged = (sender: Device, account: string) =>
      this.devices
        .filter((each) => each.account === account || (each.account === sender.account && each !== sender))
        .map(({ name }) => name)
    const world = { ledger: this.ledger, obliged }
    this.devices = Object.entries(devices).flatMap(([account, traits]) =>
      traits.map(({ name, modern }) => new Device(world, account, name, modern)),
    )
  }

  /** `devices`: those of each account. */
  static async set(
    devices: Readonly<Record<string, readonly DeviceTraits[]>>,
    databaseUrl?: string,
  ): Promise<Scene> {
    const platform = await createTestPlatform(['localhost'], databaseUrl)
    const { bus, clock, random } = platform
    await using db = await openDb({ url: platform.databaseUrl, role: 'sealpost_account' })
    await using accounts = createAccounts({ db, bus, clock, random })
    for (const name of Object.keys(devices)) await accounts.create(parseJid(`${name}@localhost`), 'secret')
    return new Scene(platform, devices)
  }

  /** Where a relay process finds its database and its files. */
  get where(): { readonly databaseUrl: string; readonly dataDir: string } {
    return this.#platform
  }

  device(name: string): Device {
    const device = this.devices.find((each) => each.name === name)
    if (!device) throw new Error(`no device ${name}`)
    return device
  }

  /** Makes every device known to the relay, with a queue of its own and a wish for carbons. */
  async register(port: number): Promise<void> {
    for (let signIns = 0; signIns < 2; signIns++) {
      for (const device of this.devices) {
        await device.connect(port)
        await device.ping()
        await device.close()
      }
    }
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
export const NOTHING_WRONG = { lost: [], late: [], twice: [], refused: [] }

/** Removed at the end; other users may pass through it, as Postgres must. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'sealpost-faults-'))
  await chmod(path, 0o711)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
