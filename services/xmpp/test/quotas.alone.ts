/**
 * Quotas answer before memory grows: what each kind of flood is told, and how much larger the relay's process is for it, by the most that it ever had (VmHWM of proc(5)). How fast a
 * session is read from is not limited here, so that nothing but quotas holds; its heap is small, so that it collects what it can, and ends with what it keeps. Before a flood is measured
 * another account has sent the same, and made the process as large as it gets by working. Floods that are large are several times the bound.
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
/** What a process may grow by on its own account. */
const GROWN_MIB_MAX = 64

let place: DeliveryFixture
let relay: RelayProcess
beforeAll(async () => {
  place = await DeliveryFixture.start()
  for (const { account } of FLOODS)
    for (const name of [account, `${account}-before`]) await place.account(name)
  await place.stop()
  const unlimited = { burst: 1e12, perSecond: 1e12 }
  relay = await RelayProcess.start(place, {
    limits: { stream: { bytesRate: unlimited, elementsRate: unlimited } },
    flags: ['--max-old-space-size=96', '--max-semi-space-size=4'],
  })
})
afterAll(async () => {
  await relay.stop()
  await place[Symbol.asyncDispose]()
})

interface Flood {
  readonly account: string
  readonly what: string
  readonly count: number
  readonly stanza: (id: string, index: number) => string
  /** The condition of refusals, and how many there are at least. */
  readonly refusal: readonly [string, number]
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

const FLOODS: readonly Flood[] = [
  {
    account: 'nodes',
    what: '5,000 nodes',
    count: 5_000,
    stanza: (id) =>
      iq(id, `<pubsub xmlns='${PUBSUB}'><create node='urn:${'n'.repeat(400)}:${id}'/></pubsub>`),
    refusal: ['resource-constraint', 4_800],
  },
  {
    account: 'giants',
    what: 'items of 200 kB, 200 MB of them',
    count: 1_000,
    stanza: (id) => publish(id, 'urn:giant', 200_000),
    refusal: ['not-acceptable', 1_000],
  },
  {
    account: 'items',
    what: 'items of a size that is taken, 150 MB of them',
    count: 2_500,
    stanza: (id) => publish(id, 'urn:many', 60_000),
    refusal: ['resource-constraint', 2_000],
  },
  {
    account: 'elements',
    what: 'private XML of 60 kB, 60 MB of it',
    count: 1_000,
    stanza: (id) =>
      iq(id, `<query xmlns='jabber:iq:private'><p xmlns='urn:${id}'>${'x'.repeat(60_000)}</p></query>`),
    refusal: ['resource-constraint', 900],
  },
  {
    account: 'cards',
    what: 'vCards of 200 kB, 200 MB of them',
    count: 1_000,
    stanza: (id) => iq(id, `<vCard xmlns='vcard-temp'><NOTE>${'x'.repeat(200_000)}</NOTE></vCard>`),
    refusal: ['not-acceptable', 1_000],
  },
  {
    account: 'blocker',
    what: '5,000 blocked addresses, long ones',
    count: 5_000,
    stanza: (id) =>
      iq(id, `<block xmlns='urn:xmpp:blocking'><item jid='${id}@b.org/${'r'.repeat(900)}'/></block>`),
    refusal: ['resource-constraint', 4_000],
  },
  {
    account: 'slots',
    what: '5,000 upload slots with long names',
    count: 5_000,
    stanza: (id) =>
      `<iq type='get' id='${id}' to='localhost'><request xmlns='urn:xmpp:http:upload:0' filename='${'n'.repeat(250)}' size='1000'/></iq>`,
    refusal: ['resource-constraint', 4_900],
  },
  {
    account: 'contacts',
    what: '5,000 contacts with long names',
    count: 5_000,
    stanza: (id) =>
      iq(id, `<query xmlns='${ROSTER}'><item jid='${id}@b.org' name='${'n'.repeat(900)}'/></query>`),
    refusal: ['resource-constraint', 4_000],
  },
  {
    account: 'presence',
    what: 'presence of 12 kB, 180 MB of it',
    count: 15_000,
    stanza: (id) => `<presence id='${id}'><status>${'s'.repeat(12_000)}</status></presence>`,
    refusal: ['resource-constraint', 10_000],
  },
  {
    account: 'strangers',
    what: 'presence to 5,000 strangers',
    count: 5_000,
    stanza: (id) => `<presence id='${id}' to='${id}@localhost/${'r'.repeat(900)}'/>`,
    refusal: ['resource-constraint', 4_000],
  },
]

longTest.each(FLOODS.map((flood) => [flood.what, flood] as const))(
  '%s: refused by name, and memory stays',
  { timeout: 300_000 },
  async (what, flood) => {
    const signIn = (username: string) =>
      TestClient.signIn({ port: relay.port, username, password: 'secret', patienceMs: 60_000 })
    await using first = await signIn(`${flood.account}-before`)
    await pour(first, flood)
    await using client = await signIn(flood.account)
    const before = readPeakBytes(relay.pid)
    const answers = await pour(client, flood)
    const grown = (readPeakBytes(relay.pid) - before) / MiB
    process.stdout.write(`${what}: ${JSON.stringify([...answers])}, ${grown.toFixed(1)} MiB more\n`)
    const [refusal, least] = flood.refusal
    expect(answers.get(refusal)).toBeGreaterThanOrEqual(least)
    expect(grown).toBeLessThan(GROWN_MIB_MAX)
  },
)
