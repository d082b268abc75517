/** What a member, an admin or a racing client of a group cannot exceed. */
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSkippableClock } from './_skippable-clock.ts'
import type { TestClient } from './client.ts'
import { arrive, condition } from './friends.ts'
import {
  affiliate,
  configure,
  enter,
  enters,
  isError,
  isSubject,
  listed,
  makeOf,
  NS_ADMIN,
  NS_USER,
  quiet,
} from './groups-fixture.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const SERVICE = 'groups.localhost'

const clock = createSkippableClock()
let relay: RelayFixture
let ann: TestClient
let bob: TestClient
beforeAll(async () => {
  relay = await startRelay({}, {}, { ownClock: clock })
  ann = await relay.client('ann', { resource: 'desk' })
  bob = await relay.client('bob', { resource: 'home' })
  for (const client of [ann, bob]) await arrive(client)
  await quiet(ann, bob)
})
afterAll(() => relay[Symbol.asyncDispose]())

/** Groups as the store has them, that somebody is in. */
async function give(name: string, count: number, affiliation: 'owner' | 'member'): Promise<void> {
  const account = await relay.accounts.find(parseJid(`${name}@localhost`))
  await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
  for (let index = 0; index < count; index++) {
    const id = systemRandom.uuid()
    await db.execute(sql`
      insert into xmpp.room (room_id, jid, name, allow_invites, occupant_key)
      values (${id}::uuid, ${`given-${name}-${String(index)}@${SERVICE}`}, '', false, ${systemRandom.bytes(32)})`)
    await db.execute(sql`
      insert into xmpp.room_affiliation (room_id, jid, account_id, affiliation, nick, entered)
      values (${id}::uuid, ${`${name}@localhost`}, ${account?.id ?? ''}::uuid, ${affiliation}, ${name}, true)`)
  }
}

const sessions = (name: string, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, index) => relay.client(name, { resource: `r${String(index)}` })),
  )
const tookOf = (answers: readonly string[], taken: string) => answers.filter((each) => each === taken).length

test('an account owns fifty groups by making them, however many of its sessions make one at once', async () => {
  const cleo = await sessions('cleo', 6)
  await give('cleo', 48, 'owner')
  await Promise.all(cleo.map((each, index) => enter(each, `own${String(index)}@${SERVICE}`, 'cleo')))
  const answers = await Promise.all(
    cleo.map(async (each, index) => {
      const answer = await configure(each, `own${String(index)}@${SERVICE}`)
      return answer.attrs['type'] === 'result' ? 'made' : condition(answer)
    }),
  )
  expect([tookOf(answers, 'made'), tookOf(answers, 'not-allowed')]).toEqual([2, 4])
})

test('an account takes part in two hundred, however many of its sessions enter one at once', async () => {
  const dan = await sessions('dan', 6)
  await give('dan', 198, 'member')
  for (const [index] of dan.entries()) {
    const room = `open${String(index)}@${SERVICE}`
    await makeOf(room, ann)
    await affiliate(ann, room, ['dan@localhost', 'member'])
  }
  const answers = await Promise.all(
    dan.map(async (each, index) => {
      const room = `open${String(index)}@${SERVICE}`
      enters(each, room, 'dan')
      const answer = await each.next((one) => isSubject(one, room) || isError(one, room))
      return answer.name === 'message' ? 'in' : condition(answer)
    }),
  )
  expect([tookOf(answers, 'in'), tookOf(answers, 'resource-constraint')]).toEqual([2, 4])
})

test('§8.2: somebody is kicked once in one request, or nobody is', async () => {
  const room = `kick@${SERVICE}`
  await makeOf(room, ann, bob)
  const item = `<item nick='bob' role='none'/>`
  const answer = await ann.request('set', `<query xmlns='${NS_ADMIN}'>${item}${item}</query>`, room)
  expect(condition(answer)).toBe('bad-request')
  await bob.receivesNothing()
  expect(await listed(ann, room, 'member')).toEqual([bob.bare])
})

test('§7.8.2: whoever has come has nothing to decline, and writes to nobody that way', async () => {
  const room = `decline@${SERVICE}`
  await makeOf(room, ann, bob)
  bob.sends(`<message to='${room}' id='d1'><x xmlns='${NS_USER}'><decline to='${ann.bare}'/></x></message>`)
  expect(condition(await bob.next(({ attrs }) => attrs['id'] === 'd1'))).toBe('bad-request')
  await ann.receivesNothing()
})

/** An answer comes no earlier than its time, while the same of somebody else (`meanwhile`) is answered. */
async function expectWait(
  client: TestClient,
  id: string,
  meanwhile: () => Promise<unknown>,
  { since, waitMs }: { readonly since: number; readonly waitMs: number },
): Promise<void> {
  let answered = false
  const answer = client.next(({ attrs }) => attrs['id'] === id).then(() => (answered = true))
  await meanwhile()
  await bob.ping()
  if (clock.monotonic() - since < waitMs) expect(answered).toBe(false)
  clock.skip(waitMs)
  await answer
}

test('an admin who changes many affiliations is read from more slowly', async () => {
  const room = `many@${SERVICE}`
  const other = `few@${SERVICE}`
  const [gail, ivy] = [await relay.client('gail'), await relay.client('ivy')]
  await makeOf(room, gail)
  await makeOf(other, ivy)
  const change = (affiliation: string, count: number) => {
    const items = Array.from({ length: count }, (_, index) => [`n${String(index)}@localhost`, affiliation])
    return items.map(([jid = '', as = '']) => `<item jid='${jid}' affiliation='${as}'/>`).join('')
  }
  const query = (items: string) => `<query xmlns='${NS_ADMIN}'>${items}</query>`
  const send = (id: string, items: string) =>
    gail.sends(`<iq type='set' id='${id}' to='${room}'>${query(items)}</iq>`)
  const since = clock.monotonic()
  for (const [id, affiliation] of [
    ['c1', 'outcast'],
    ['c2', 'none'],
  ] as const) {
    send(id, change(affiliation, 490))
    await gail.next(({ attrs }) => attrs['id'] === id)
  }
  send('c3', change('outcast', 200))
  await expectWait(gail, 'c3', () => ivy.request('set', query(change('outcast', 200)), other), {
    since,
    waitMs: 9_000,
  })
})

test('XEP-0425: an admin who has much retracted is read from more slowly', async () => {
  const room = `retract@${SERVICE}`
  const hank = await relay.client('hank')
  await makeOf(room, hank)
  const retract = `<moderate xmlns='urn:xmpp:message-moderate:1' id='m'><retract xmlns='urn:xmpp:message-retract:1'/></moderate>`
  const request = (id: string) => `<iq type='set' id='${id}' to='${room}'>${retract}</iq>`
  const since = clock.monotonic()
  for (let count = 1; count <= 600; count++) hank.sends(request(`m${String(count)}`))
  await hank.next(({ attrs }) => attrs['id'] === 'm480')
  await expectWait(hank, 'm600', () => hank.next(({ attrs }) => attrs['id'] === 'm500'), {
    since,
    waitMs: 2_000,
  })
})
