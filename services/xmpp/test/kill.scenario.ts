/** R3, in the small: `kill -9` at random moments of sending, draining, acknowledging and resuming. */
import { setTimeout } from 'node:timers/promises'
import { NS_SM } from '@sealpost/stanza'
import { expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { DeliveryFixture, NOTHING_KEPT } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'
import { RelayProcess } from './relay-process.ts'

const KILLS = 20

/** Numbers from 0 to 1 that a failed run can be repeated with. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Sends until it is told that everything is safe; keeps what is not, as clients do. */
class Sender {
  readonly sent: string[] = []
  #unsafe: string[] = []

  /** Sends again what a lost stream left, and then one message after the other until `isOver`, asking for the counter each time. */
  async send(alice: TestClient, isOver: () => boolean): Promise<void> {
    for (const id of this.#unsafe) alice.sends(omemo('bob@localhost', id))
    while (!isOver()) {
      const id = `m${this.sent.length}`
      this.sent.push(id)
      this.#unsafe.push(id)
      alice.sends(`${omemo('bob@localhost', id)}<r xmlns='${NS_SM}'/>`)
      await setTimeout(1)
    }
  }

  /** What the server has answered for is off the list. */
  settle(alice: TestClient): void {
    const counts = alice.inbox.filter((each) => each.is('a', NS_SM)).map(({ attrs }) => Number(attrs['h']))
    this.#unsafe = this.#unsafe.slice(Math.max(0, ...counts))
  }

  get unsafe(): number {
    return this.#unsafe.length
  }
}

async function signIn(port: number, username: string, resource: string): Promise<TestClient> {
  const client = await TestClient.signIn({ port, username, password: 'secret', resource })
  await client.enableStreamManagement()
  return client
}

async function killAfter(ms: number, relay: RelayProcess, before: () => void): Promise<void> {
  await setTimeout(ms)
  before()
  await relay.kill()
}

/** A device that takes what there is. */
async function arrive(port: number, resource: string): Promise<TestClient> {
  const client = await signIn(port, 'bob', resource)
  client.sends('<presence/>')
  return client
}

/** Whatever the kill leaves of it. */
async function tryTo<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action()
  } catch {
    return undefined
  }
}

test('R3: killed at 20 random moments: nothing that was called safe is lost', async () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32))
  const random = seeded(seed)
  await using fixture = await DeliveryFixture.start()
  await fixture.account('alice')
  await fixture.account('bob')
  await fixture.stop()
  const sender = new Sender()
  const received: string[] = []
  const collect = (bob: TestClient | undefined) => {
    for (const each of bob?.inbox ?? []) if (each.name === 'message') received.push(each.attrs['id'] ?? '')
  }
  for (let kill = 0; kill < KILLS; kill++) {
    const relay = await RelayProcess.start(fixture)
    const alice = await signIn(relay.port, 'alice', 'a')
    let over = false
    const sending = sender.send(alice, () => over)
    const killed = killAfter(random() * 150, relay, () => (over = true))
    const arriving = tryTo(() => arrive(relay.port, `b${kill % 2}`))
    const bob = await Promise.race([arriving, killed.then(() => undefined)])
    await Promise.all([killed, sending, alice.ended(), bob?.ended()])
    sender.settle(alice)
    collect(bob)
  }
  await fixture.run()
  const alice = await signIn(fixture.port, 'alice', 'a')
  await sender.send(alice, () => true)
  await alice.safeUpTo(sender.unsafe)
  const devices = [await fixture.device('bob', 'b0'), await fixture.device('bob', 'b1')]
  devices.push(await fixture.device('bob', 'new'))
  await expect.poll(() => fixture.kept(), { timeout: 60_000 }).toEqual(NOTHING_KEPT)
  for (const bob of devices) await bob.ping().then(() => collect(bob))
  process.stdout.write(`R3: seed ${seed}: ${sender.sent.length} sent, ${received.length} received\n`)
  expect(
    sender.sent.filter((id) => !received.includes(id)),
    `seed ${seed}`,
  ).toEqual([])
}, 180_000)
