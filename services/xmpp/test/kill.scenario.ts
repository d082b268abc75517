/** R3, in the small: `kill -9` at random moments of sending, draining, acknowledging and resuming. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { NS_SM } from '@sealpost/stanza'
import { expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { DeliveryFixture, NOTHING_KEPT } from './delivery-fixture.ts'
import { omemo } from './relay-fixture.ts'

const KILLS = 20
const BATCH = 40

/** Numbers from 0 to 1 that a failed run can be repeated with. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

class RelayProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(fixture: DeliveryFixture): Promise<RelayProcess> {
    const { databaseUrl, dataDir } = fixture.platform
    const script = join(import.meta.dirname, '_relay-process.ts')
    const child = spawn(process.execPath, [script, databaseUrl, dataDir, '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    for await (const line of createInterface({ input: child.stdout })) {
      const port = /^listening on (\d+)$/.exec(line)?.[1]
      if (port !== undefined) return new RelayProcess(child, Number(port))
    }
    throw new Error('the relay did not start')
  }

  async kill(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }
}

/** Sends until it is told that everything is safe; keeps what is not, as clients do. */
class Sender {
  readonly sent: string[] = []
  #unsafe: string[] = []

  /** Sends what a lost stream left, and a batch more. */
  async send(port: number, count: number): Promise<TestClient> {
    const alice = await signIn(port, 'alice', 'a')
    const fresh = Array.from({ length: count }, (_, n) => `m${this.sent.length + n}`)
    this.sent.push(...fresh)
    this.#unsafe.push(...fresh)
    for (const id of this.#unsafe) alice.sends(omemo('bob@localhost', id))
    alice.sends(`<r xmlns='${NS_SM}'/>`)
    return alice
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
    const delay = random() * 250
    const killed = new Promise((resolve) => setTimeout(resolve, delay)).then(() => relay.kill())
    const [alice, bob] = await Promise.all([
      tryTo(() => sender.send(relay.port, BATCH)),
      tryTo(async () => {
        const client = await signIn(relay.port, 'bob', `b${kill % 2}`)
        client.sends('<presence/>')
        return client
      }),
    ])
    await killed
    await Promise.all([alice?.ended(), bob?.ended()])
    if (alice) sender.settle(alice)
    collect(bob)
  }
  const relay = await RelayProcess.start(fixture)
  const alice = await sender.send(relay.port, 1)
  await alice.safeUpTo(sender.unsafe)
  for (const resource of ['b0', 'b1', 'b0', 'new']) {
    const bob = await signIn(relay.port, 'bob', resource)
    await bob.available()
    await expect.poll(() => quiet(bob)).toBe(true)
    collect(bob)
    await bob.close()
  }
  await relay.kill()
  const missing = sender.sent.filter((id) => !received.includes(id))
  process.stdout.write(`R3: seed ${seed}: ${sender.sent.length} sent, ${received.length} received\n`)
  expect(missing, `seed ${seed}`).toEqual([])
  await fixture.run()
  await expect.poll(() => fixture.kept()).toEqual(NOTHING_KEPT)
}, 180_000)

/** Nothing has come for a while. */
async function quiet(client: TestClient): Promise<boolean> {
  const before = client.inbox.length
  for (let n = 0; n < 5; n++) await client.ping()
  return client.inbox.length === before
}
