import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { Rooms } from './rooms.ts'
import { memoryGroupStore } from './store.memory.ts'
import type { Affiliated, StoredRoom } from './store.ts'

function member(name: string): Affiliated {
  const jid = parseJid(`${name}@localhost`)
  return {
    jid,
    accountId: systemRandom.uuid(),
    affiliation: 'member',
    nick: undefined,
    entered: true,
  }
}

function aRoom(name: string): StoredRoom {
  return {
    id: systemRandom.uuid(),
    jid: parseJid(`${name}@groups.localhost`),
    config: { name: '', allowInvites: false },
    occupantKey: systemRandom.bytes(32),
    affiliated: [member('owner')],
  }
}

test('those that nobody is in are bounded by who belongs to them, also to those that have grown since', async () => {
  const store = memoryGroupStore()
  const [small, large, third] = [aRoom('small'), aRoom('large'), aRoom('third')]
  for (const room of [small, large, third]) await store.create(room)
  const rooms = new Rooms(store, () => 0, 50)
  const isInMemory = ({ jid }: StoredRoom) => !(rooms.find(jid) instanceof Promise)
  for (const { jid } of [small, large]) await rooms.find(jid)
  expect([small, large].map(isInMemory)).toEqual([true, true])
  const grown = await rooms.find(large.jid)
  grown?.change(Array.from({ length: 49 }, (_, index) => member(`m${String(index)}`)))
  await rooms.find(large.jid) // it is asked for again, as each who comes does
  expect(isInMemory(small)).toBe(false)
})

test('what adds to the groups of an account takes turns; of different accounts it does not', async () => {
  const rooms = new Rooms(memoryGroupStore(), () => 0)
  const said: string[] = []
  const first = Promise.withResolvers<void>()
  const tasks = [
    rooms.adding('a', async () => {
      await first.promise
      said.push('a1')
    }),
    rooms.adding('a', async () => void said.push('a2')),
    rooms.adding('b', async () => void said.push('b')),
  ]
  await tasks[2]
  first.resolve()
  await Promise.all(tasks)
  expect(said).toEqual(['b', 'a1', 'a2'])
})
