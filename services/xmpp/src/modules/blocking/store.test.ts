import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { memoryBlockStore } from './store.memory.ts'
import { postgresBlockStore } from './store.postgres.ts'
import type { BlockStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<BlockStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresBlockStore(stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 2 })))
}

describe.each([
  ['memory', async () => memoryBlockStore()],
  ['postgres', openPostgres],
])('BlockStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: BlockStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('keeps what is blocked for each account, until it is unblocked or erased', async () => {
    const [ann, bob, eve] = [systemRandom.uuid(), systemRandom.uuid(), systemRandom.uuid()]
    const listed = async (id: string) => (await store.load(id)).map(String).toSorted()
    const jid = parseJid('eve@localhost')
    const items = [
      { jid, accountId: eve },
      { jid: parseJid('eve@localhost/home'), accountId: eve },
      { jid: parseJid('spam.example'), accountId: undefined },
    ]
    expect(await listed(ann)).toEqual([])
    await store.add(ann, items)
    await store.add(ann, [{ jid, accountId: undefined }])
    await store.add(bob, items.slice(1))
    expect(await listed(ann)).toEqual(['eve@localhost', 'eve@localhost/home', 'spam.example'])
    await store.remove(bob, [parseJid('spam.example'), parseJid('nobody@localhost')])
    const holders = await store.holders(eve)
    expect(holders.map(({ accountId, jid: held }) => `${accountId} ${held.toString()}`).toSorted()).toEqual(
      [`${ann} eve@localhost`, `${ann} eve@localhost/home`, `${bob} eve@localhost/home`].toSorted(),
    )
    await store.erase(ann)
    expect([await listed(ann), await listed(bob)]).toEqual([[], ['eve@localhost/home']])
  })
})
