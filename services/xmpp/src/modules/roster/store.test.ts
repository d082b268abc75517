import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { memoryRosterStore } from './store.memory.ts'
import { postgresRosterStore } from './store.postgres.ts'
import type { RosterItem, RosterStore } from './store.ts'
import { noSubscription } from './subscription.ts'

interface Fixture extends AsyncDisposable {
  readonly store: RosterStore
}

async function openMemory(): Promise<Fixture> {
  return { store: memoryRosterStore(), async [Symbol.asyncDispose]() {} }
}

async function openPostgres(): Promise<Fixture> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 6 }))
  return { store: postgresRosterStore(db), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function rosterItem(contact: string, changes: Partial<RosterItem> = {}): RosterItem {
  const base = { contactAccountId: undefined, name: undefined, groups: [], listed: true }
  return { ...noSubscription, ...base, contact: parseJid(contact), ...changes }
}

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('RosterStore (%s)', (_, open) => {
  let fixture: Fixture
  let store: RosterStore
  beforeAll(async () => {
    fixture = await open()
    store = fixture.store
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const owner = () => systemRandom.uuid()
  const items = async (accountId: string) => [...(await store.load(accountId)).items.values()]

  test('a roster that never changed is empty and has version 0', async () => {
    expect(await store.load(owner())).toEqual({ ver: 0, items: new Map() })
  })

  test('keeps an item exactly, by bare JID', async () => {
    const id = owner()
    const subscription = { to: true, from: false, ask: false, pendingIn: true, approved: true }
    const full = {
      name: `O'Neill "☎"`,
      groups: ['a', 'ü, {b}', '"'],
      contactAccountId: owner(),
      ...subscription,
    }
    const put = rosterItem('juliet@example.org', full)
    await store.change(id, { put, visible: true })
    const { items: stored } = await store.load(id)
    expect(stored.get('juliet@example.org')).toEqual(put)
    expect(String(stored.get('juliet@example.org')?.contact)).toBe('juliet@example.org')
  })

  test.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('keeps to=%s from=%s', async (to, from) => {
    const id = owner()
    await store.change(id, { put: rosterItem('a@b.org', { to, from, ask: true }), visible: true })
    expect(await items(id)).toEqual([rosterItem('a@b.org', { to, from, ask: true })])
  })

  test('adopts items as one change, and names the account where others have its address', async () => {
    const [id, friend, stranger] = [owner(), owner(), owner()]
    const jid = parseJid(`${id}@example.org`)
    const known = rosterItem(jid.toString(), { contactAccountId: owner() })
    await store.change(friend, { put: rosterItem(jid.toString(), { name: 'O' }), visible: true })
    await store.change(stranger, { put: known, visible: true })
    await store.adopt(id, jid, [
      rosterItem('a@b.org', { groups: ['x'] }),
      rosterItem('c@d.org', { listed: false, pendingIn: true }),
    ])
    expect((await store.load(id)).ver).toBe(1)
    const listed = new Map((await items(id)).map((item) => [item.contact.toString(), item.listed]))
    expect([...listed].toSorted(([one], [other]) => one.localeCompare(other))).toEqual([
      ['a@b.org', true],
      ['c@d.org', false],
    ])
    expect(await items(friend)).toEqual([rosterItem(jid.toString(), { name: 'O', contactAccountId: id })])
    expect(await items(stranger)).toEqual([known])
    await store.adopt(id, jid, [])
    expect((await store.load(id)).ver).toBe(1)
    expect((await store.holders(id)).map(({ accountId }) => accountId)).toEqual([friend])
  })

  test('replaces and removes items', async () => {
    const id = owner()
    await store.change(id, { put: rosterItem('a@b.org', { name: 'old', groups: ['x'] }), visible: true })
    await store.change(id, { put: rosterItem('a@b.org', { name: 'new' }), visible: true })
    await store.change(id, { put: rosterItem('c@b.org'), visible: true })
    await store.change(id, { remove: parseJid('c@b.org'), visible: true })
    expect(await items(id)).toEqual([rosterItem('a@b.org', { name: 'new' })])
  })

  test('the version counts visible changes only', async () => {
    const id = owner()
    const pending = rosterItem('a@b.org', { listed: false, pendingIn: true })
    expect(await store.change(id, { put: pending, visible: false })).toBe(0)
    expect(await store.change(id, { put: rosterItem('c@b.org'), visible: true })).toBe(1)
    expect(await store.change(id, { remove: parseJid('a@b.org'), visible: false })).toBe(1)
    expect(await store.change(id, { remove: parseJid('c@b.org'), visible: true })).toBe(2)
    expect(await store.load(id)).toEqual({ ver: 2, items: new Map() })
  })

  test('20 changes at once give 20 versions', async () => {
    const id = owner()
    const put = (index: number) => store.change(id, { put: rosterItem(`c${index}@b.org`), visible: true })
    const versions = await Promise.all(Array.from({ length: 20 }, (__, index) => put(index)))
    expect(versions.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (__, index) => index + 1))
    expect(await items(id)).toHaveLength(20)
  })

  test('finds whose rosters have an account', async () => {
    const [romeo, juliet, nurse] = [owner(), owner(), owner()]
    await store.change(romeo, {
      put: rosterItem('juliet@b.org', { contactAccountId: juliet }),
      visible: true,
    })
    await store.change(nurse, {
      put: rosterItem('juliet@b.org', { contactAccountId: juliet }),
      visible: true,
    })
    await store.change(nurse, { put: rosterItem('romeo@b.org', { contactAccountId: romeo }), visible: true })
    const found = (await store.holders(juliet)).map(
      ({ accountId, contact }) => `${accountId} ${String(contact)}`,
    )
    expect(new Set(found)).toEqual(new Set([romeo, nurse].map((id) => `${id} juliet@b.org`)))
    expect(found).toHaveLength(2)
  })

  test('erases one roster and no other, and may do it again', async () => {
    const [romeo, nurse] = [owner(), owner()]
    for (const id of [romeo, nurse])
      await store.change(id, { put: rosterItem('juliet@b.org'), visible: true })
    await store.erase(romeo)
    await store.erase(romeo)
    expect(await store.load(romeo)).toEqual({ ver: 0, items: new Map() })
    expect(await items(nurse)).toHaveLength(1)
  })
})
