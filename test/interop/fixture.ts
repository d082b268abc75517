/** A server for one test file, and people that no other test knows. */
import { randomBytes } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { Sealpost, type SealpostOptions } from './sealpost.ts'
import { Device, DOMAIN, trust, type DeviceOptions, type Person } from './xmpp-js.ts'

const PEOPLE = 60

export class Fixture implements AsyncDisposable {
  readonly sealpost: Sealpost
  readonly #strangers: Person[]

  private constructor(sealpost: Sealpost, strangers: Person[]) {
    this.sealpost = sealpost
    this.#strangers = strangers
  }

  static async start(options: SealpostOptions = {}): Promise<Fixture> {
    await using stack = new AsyncDisposableStack()
    const sealpost = stack.use(await Sealpost.start(options))
    await trust(sealpost.caFile)
    const people = Array.from({ length: PEOPLE }, (_, index) => {
      const username = `person${index}`
      return { username, password: randomBytes(12).toString('hex'), jid: `${username}@${DOMAIN}` }
    })
    await sealpost.importAccounts(people)
    stack.move()
    return new Fixture(sealpost, people)
  }

  /** Someone with an account who never signed in. */
  person(): Person {
    const person = this.#strangers.shift()
    if (person === undefined) throw new Error('this file needs more people')
    return person
  }

  /** How a device of `person` reaches the server: STARTTLS. */
  device(person: Person, resource: string, withoutSasl2 = false): DeviceOptions {
    return { ...person, resource, withoutSasl2, service: `xmpp://127.0.0.1:${this.sealpost.port}` }
  }

  /** Signed in until the test ends. */
  async online(options: DeviceOptions): Promise<Device> {
    const device = await Device.online(options)
    onTestFinished(() => device.leave())
    return device
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sealpost[Symbol.asyncDispose]()
  }
}
