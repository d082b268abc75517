import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryNoticeStore } from './store.memory.ts'
import { postgresNoticeStore } from './store.postgres.ts'
import type { Notice, NoticeStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<NoticeStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresNoticeStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const NOW = Date.UTC(2026, 0, 1)
let count = 0
const notice = (change: Partial<Notice> = {}): Notice => ({
  id: systemRandom.uuid(),
  kind: 'announcement',
  audience: { to: 'all' },
  title: 'Title',
  body: 'Body',
  startsAt: undefined,
  endsAt: undefined,
  createdAt: NOW + (count += 1_000),
  shownUntil: NOW + 1_000_000,
  withdrawnAt: undefined,
  mail: 'off',
  mailAfter: undefined,
  mailClaimed: undefined,
  mailed: 0,
  refused: 0,
  uncertain: 0,
  chat: 'off',
  ...change,
})

describe.each([
  ['memory', async () => memoryNoticeStore()],
  ['postgres', openPostgres],
])('NoticeStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: NoticeStore
  const add = async (change: Partial<Notice> = {}): Promise<Notice> => {
    const added = notice(change)
    await store.add(added)
    return added
  }
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('each account is shown what is for all, for its organisations and for itself, until it ends or is withdrawn', async () => {
    const [account, organisation] = [systemRandom.uuid(), systemRandom.uuid()]
    const all = await add()
    await add({ shownUntil: NOW })
    await add({ audience: { to: 'online' } })
    await add({ audience: { to: 'account', id: systemRandom.uuid() } })
    const ours = await add({ audience: { to: 'organisation', id: organisation } })
    const own = await add({ audience: { to: 'account', id: account } })
    const gone = await add()
    expect(await store.withdraw(gone.id, NOW)).toBe(true)
    expect(await store.withdraw(gone.id, NOW)).toBe(false)
    expect(await store.shownTo(account, [organisation], NOW, 10)).toEqual([own, ours, all])
    expect(await store.shownTo(account, [], NOW, 10)).toEqual([own, all])
    expect(await store.personal(account)).toEqual([own])
    await store.add({ ...all, title: 'Another' })
    expect(await store.find(all.id)).toEqual(all)
    const listed = await store.list({ limit: 10 })
    expect(listed.map(({ audience }) => audience.to)).not.toContain('account')
    const after = listed[0] && { at: new Date(listed[0].createdAt).toISOString(), id: listed[0].id }
    expect(await store.list({ limit: 10, after })).toEqual(listed.slice(1))
    await store.eraseAccount(account)
    expect(await store.personal(account)).toEqual([])
    await store.eraseOrganisation(organisation)
    expect(await store.find(ours.id)).toBeUndefined()
    await store.forget(NOW + 1)
    expect((await store.list({ limit: 10 })).every(({ shownUntil }) => shownUntil > NOW)).toBe(true)
  })

  test('one mail is under way at a time, and comes to one thing', async () => {
    const [ann, bob] = [systemRandom.uuid(), systemRandom.uuid()]
    const { id } = await add({ mail: 'pending', chat: 'pending' })
    expect((await store.unsent(10)).map((each) => each.id)).toEqual([id])
    expect([await store.claimChat(id), await store.claimChat(id)]).toEqual([true, false])
    expect([await store.claimMail(id, ann, undefined), await store.claimMail(id, bob, undefined)]).toEqual([
      true,
      false,
    ])
    await store.releaseMail(id, bob)
    expect(await store.find(id)).toMatchObject({ mailClaimed: ann })
    await store.releaseMail(id, ann)
    expect(await store.find(id)).toMatchObject({ mailAfter: undefined, mailed: 0 })
    expect(await store.claimMail(id, ann, bob)).toBe(false)
    expect(await store.claimMail(id, ann, undefined)).toBe(true)
    await store.settleMail(id, bob, 'mailed')
    await store.settleMail(id, ann, 'mailed')
    expect(await store.find(id)).toMatchObject({ mailAfter: ann, mailClaimed: undefined, mailed: 1 })
    await store.claimMail(id, bob, ann)
    await store.settleMail(id, bob, 'uncertain')
    await store.endMail(id)
    expect(await store.find(id)).toMatchObject({
      mail: 'done',
      mailAfter: undefined,
      mailed: 1,
      uncertain: 1,
    })
    expect(await store.unsent(10)).toEqual([])
    expect(await store.claimMail(id, ann, undefined)).toBe(false)
  })
})
