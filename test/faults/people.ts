/** Accounts, their devices, and the ledger of what these were promised. */
import { Device } from './device.ts'
import { Ledger } from './ledger.ts'

/** Names of the devices of each account; `modern` ones sign in with SASL2 and a token. */
export type Devices = Readonly<Record<string, readonly { readonly name: string; readonly modern: boolean }[]>>

export class People {
  readonly ledger = new Ledger()
  readonly devices: readonly Device[]
  /** Accounts that nobody comes for while this relay lives. */
  readonly away = new Set<string>()

  constructor(devices: Devices) {
    const obliged = (sender: Device, account: string) =>
      this.devices
        .filter((each) => each.account === account || (each.account === sender.account && each !== sender))
        .map(({ name }) => name)
    const world = { ledger: this.ledger, obliged, isAway: (account: string) => this.away.has(account) }
    this.devices = Object.entries(devices).flatMap(([account, traits]) =>
      traits.map(({ name, modern }) => new Device(world, account, name, modern)),
    )
  }

  /** Messages that their senders do not know to be safe. */
  get unsafe(): number {
    return this.devices.reduce((sum, device) => sum + device.unsafe, 0)
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
}
