import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { memoryGroupStore } from './store.memory.ts'
import { postgresGroupStore } from './store.postgres.ts'
import type { Affiliated, GroupStore, StoredRoom } from './store.ts'

interface Fixture {
  readonly store: GroupStore
  /** Rows of a room that are left. */
  rows(roomId: string): Promise<number>
}

async function openPostgres(stack: AsyncDisposableStack): Promise<Fixture> {
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 2 }))
  return {
    store: postgresGroupStore(db),
    rows: async (id) =>
      (await db.query(sql`select from xmpp.room_affiliation where room_id = ${id}::uuid`)).length,
  }
}

let made = 0
function somebody(name: string, more: Partial<Affiliated> = {}): Affiliated {
  const jid = parseJid(`${name}@localhost`)
  return {
    jid,
    accountId: systemRandom.uuid(),
    affiliation: 'member',
    nick: undefined,
    entered: false,
    ...more,
  }
}

function aRoom(...affiliated: Affiliated[]): StoredRoom {
  return {
    id: systemRandom.uuid(),
    jid: parseJid(`room${String(++made)}@groups.localhost`),
    config: { name: 'Räume', allowInvites: false },
    occupantKey: systemRandom.bytes(32),
    affiliated,
  }
}

describe.each([
  ['memory', async (): Promise<Fixture> => ({ store: memoryGroupStore(), rows: async () => 0 })],
  ['postgres', openPostgres],
])('GroupStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let fixture: Fixture
  let store: GroupStore
  beforeAll(async () => {
    fixture = await open(stack)
    store = fixture.store
  })
  afterAll(() => stack.disposeAsync())

  test('keeps a group as it was made, and its address for it alone', async () => {
    const room = aRoom(
      somebody('ann', { affiliation: 'owner', nick: "Ann 'the' Owner ☃", entered: true }),
      somebody('nobody', { accountId: undefined, affiliation: 'outcast' }),
    )
    expect(await store.load(room.jid)).toBeUndefined()
    expect(await store.create(room)).toBe(true)
    expect(await store.load(room.jid)).toEqual(room)
    expect(await store.create({ ...aRoom(), jid: room.jid })).toBe(false)
    expect(await store.load(room.jid)).toEqual(room)
  })

  test('changes configuration and affiliations, and ends them', async () => {
    const [ann, bob, eve] = [somebody('ann', { affiliation: 'owner' }), somebody('bob'), somebody('eve')]
    const room = aRoom(ann, bob)
    await store.create(room)
    await store.configure(room.id, { name: '', allowInvites: true })
    const banned = { ...bob, affiliation: 'outcast' as const, nick: undefined }
    const nicked = { ...eve, nick: 'eve', entered: true }
    await store.affiliate(room.id, [banned, eve])
    await store.affiliate(room.id, [nicked], [ann.jid, parseJid('none@localhost')])
    const found = await store.load(room.jid)
    expect(found?.config).toEqual({ name: '', allowInvites: true })
    expect(found?.affiliated).toEqual([banned, nicked])
    await store.destroy(room.id)
    await store.destroy(room.id)
    expect(await store.load(room.jid)).toBeUndefined()
    expect(await fixture.rows(room.id)).toBe(0)
    expect(await store.create({ ...room, affiliated: [ann] })).toBe(true)
  })

  test('knows where an account is what', async () => {
    const ann = somebody('ann', { affiliation: 'owner', nick: 'ann', entered: true })
    const [first, second, other] = [
      aRoom(ann),
      aRoom({ ...ann, affiliation: 'outcast', nick: undefined, entered: false }),
      aRoom(somebody('ann')),
    ]
    for (const room of [second, other, first]) await store.create(room)
    const { name } = first.config
    expect(await store.membershipsOf(ann.accountId ?? '')).toEqual([
      { room: first.jid, name, affiliation: 'owner', nick: 'ann', entered: true },
      { room: second.jid, name, affiliation: 'outcast', nick: undefined, entered: false },
    ])
    expect(await store.membershipsOf(systemRandom.uuid())).toEqual([])
  })
})
