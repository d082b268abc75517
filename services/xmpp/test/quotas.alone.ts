/**
 * Quotas answer before memory grows: what each kind of flood is told, and how much larger the relay's process is for it, by the most that it ever had (VmHWM of proc(5)). How fast a
 * session is read from is not limited here, so that nothing but quotas holds. A first flood of another account makes it as large as it gets by working; a second one would double what is kept.
 */
import { readPeakBytes } from '../../../bench/proc.ts'
import { afterAll, beforeAll, expect } from 'vitest'
import { longTest } from '../../../test/long-test.ts'
import { TestClient } from './client.ts'
import { DeliveryFixture } from './delivery-fixture.ts'
import { condition } from './friends.ts'
import { RelayProcess } from './relay-process.ts'

const MiB = 1024 * 1024
const PUBSUB = 'http://jabber.org/protocol/pubsub'
const ROSTER = 'jabber:iq:roster'
/** Sent at a time, before the answers are read. */
const BATCH = 100
/** What a process may grow by on its own account. What is sent is 80 MB and more where it is large, 5 MB where it is many. */
const GROWN_MIB_MAX = 32

let place: DeliveryFixture
let relay: RelayProcess
beforeAll(async () => {
  place = await DeliveryFixture.start()
  await place.account('warm')
  await place.account('flood')
  await place.stop()
  const unlimited = { burst: 1e12, perSecond: 1e12 }
  relay = await RelayProcess.start(place, { stream: { bytesRate: unlimited, elementsRate: unlimited } })
})
afterAll(async () => {
  await relay.stop()
  await place[Symbol.asyncDispose]()
})

interface Flood {
  readonly count: number
  readonly stanza: (id: string, index: number) => string
}

/** Sends all of it; how often each answer came (`result`, or the condition of an error). What is not answered, such as presence that is taken, counts as nothing. */
async function pour(client: TestClient, { count, stanza }: Flood): Promise<Map<string, number>> {
  const answers = new Map<string, number>()
  for (let from = 0; from < count; from += BATCH) {
    for (let index = from; index < Math.min(count, from + BATCH); index += 1)
      client.sendRaw(stanza(`f${String(index)}`, index))
    await client.ping()
    for (const answer of client.inbox.splice(0)) {
      const what = answer.attrs['type'] === 'error' ? condition(answer) : (answer.attrs['type'] ?? '')
      answers.set(what, (answers.get(what) ?? 0) + 1)
    }
  }
  return answers
}

const iq = (id: string, inner: string) => `<iq type='set' id='${id}'>${inner}</iq>`
const publish = (id: string, node: string, bytes: number) =>
  iq(
    id,
    `<pubsub xmlns='${PUBSUB}'><publish node='${node}'><item id='${id}'><x xmlns='urn:x'>${'x'.repeat(bytes)}</x></item></publish></pubsub>`,
  )

longTest.each<[string, Flood, string, number]>([
  [
    'nodes: 5,000 created',
    {
      count: 5_000,
      stanza: (id, index) =>
        iq(id, `<pubsub xmlns='${PUBSUB}'><create node='urn:${'n'.repeat(400)}:${String(index)}'/></pubsub>`),
    },
    'resource-constraint',
    4_500,
  ],
  [
    'giant items: 400 of 200 kB, which is 80 MB',
    { count: 400, stanza: (id) => publish(id, 'urn:giant', 200_000) },
    'not-acceptable',
    350,
  ],
  [
    'items of a size that is taken: 1,500 of 60 kB, which is 90 MB',
    { count: 1_500, stanza: (id) => publish(id, 'urn:many', 60_000) },
    'resource-constraint',
    1_000,
  ],
  [
    'contacts: 5,000 with long names',
    {
      count: 5_000,
      stanza: (id, index) =>
        iq(
          id,
          `<query xmlns='${ROSTER}'><item jid='c${String(index)}@b.org' name='${'n'.repeat(900)}'/></query>`,
        ),
    },
    'resource-constraint',
    3_500,
  ],
  [
    'presence: 20,000 of 4 kB, which is 80 MB',
    {
      count: 20_000,
      stanza: (id) => `<presence id='${id}'><status>${'s'.repeat(4_000)}</status></presence>`,
    },
    'resource-constraint',
    15_000,
  ],
  [
    'presence to 5,000 strangers',
    {
      count: 5_000,
      stanza: (id, index) =>
        `<presence id='${id}' to='nobody${String(index)}@localhost/${'r'.repeat(900)}'/>`,
    },
    'resource-constraint',
    4_000,
  ],
])('%s: refused by name, and memory stays', { timeout: 300_000 }, async (what, flood, refusal, least) => {
  const { port } = relay
  await using warm = await TestClient.signIn({
    port,
    username: 'warm',
    password: 'secret',
    patienceMs: 60_000,
  })
  await pour(warm, flood)
  await using client = await TestClient.signIn({
    port,
    username: 'flood',
    password: 'secret',
    patienceMs: 60_000,
  })
  const before = readPeakBytes(relay.pid)
  const answers = await pour(client, flood)
  const grown = (readPeakBytes(relay.pid) - before) / MiB
  process.stdout.write(`${what}: ${JSON.stringify([...answers])}, ${grown.toFixed(1)} MiB more\n`)
  expect(answers.get(refusal)).toBeGreaterThan(least)
  expect(grown).toBeLessThan(GROWN_MIB_MAX)
})
