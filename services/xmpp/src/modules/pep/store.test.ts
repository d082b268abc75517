import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { defaultConfig } from './node-config.ts'
import { memoryPepStore } from './store.memory.ts'
import { postgresPepStore } from './store.postgres.ts'
import { itemCost, type NodeConfig, type PepStore, type Subscriber } from './store.ts'

interface Fixture extends AsyncDisposable {
  readonly store: PepStore
}

async function openMemory(): Promise<Fixture> {
  return { store: memoryPepStore(), async [Symbol.asyncDispose]() {} }
}

async function openPostgres(): Promise<Fixture> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp', poolSize: 6 }))
  return { store: postgresPepStore(db), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const ROOMY = 1_000_000
const ROOM_FOR_ALL = { subscribersMax: 100, subscriptionsMax: 100 }

function person(name: string): Subscriber {
  return { accountId: systemRandom.uuid(), jid: parseJid(`${name}@localhost`) }
}

function pepNode(node: string, config: Partial<NodeConfig> = {}) {
  return { node, config: { ...defaultConfig, maxItems: 3, ...config } }
}

function pepItem(id: string, text = id) {
  return { id, payload: `<x xmlns='urn:test'>${text}</x>` }
}

describe.each([
  ['memory', openMemory],
  ['postgres', openPostgres],
])('PepStore (%s)', (_, open) => {
  let fixture: Fixture
  let store: PepStore
  beforeAll(async () => {
    fixture = await open()
    store = fixture.store
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const owner = () => systemRandom.uuid()
  const put = (id: string, node: string, item: string, config: Partial<NodeConfig> = {}, bytesMax = ROOMY) =>
    store.put(id, pepNode(node, config), pepItem(item), bytesMax)
  const ids = (id: string, node: string) => store.itemIds(id, node)

  test('keeps a configuration exactly', async () => {
    const id = owner()
    const config: NodeConfig = {
      accessModel: 'whitelist',
      persistItems: false,
      maxItems: 7,
      sendLast: 'never',
      notifyDelete: false,
      notifyRetract: false,
      deliverPayloads: false,
    }
    await store.saveNode(id, { node: 'urn:n', config })
    expect(await store.node(id, 'urn:n')).toEqual({ node: 'urn:n', config })
    await store.saveNode(id, { node: 'urn:n', config: defaultConfig })
    expect(await store.node(id, 'urn:n')).toEqual({ node: 'urn:n', config: defaultConfig })
    expect(await store.node(owner(), 'urn:n')).toBeUndefined()
  })

  test('lists nodes by name', async () => {
    const id = owner()
    for (const node of ['b', 'a', 'é', 'Z']) await store.saveNode(id, pepNode(node))
    expect((await store.nodes(id)).map(({ node }) => node)).toEqual(['Z', 'a', 'b', 'é'])
    expect(await store.usage(id)).toEqual({ nodes: 4, bytes: 0 })
  })

  test('putting makes the node, keeps the newest items in order, and a repeated id becomes the newest', async () => {
    const id = owner()
    for (const item of ['1', '2', '3', '4', '2']) expect(await put(id, 'n', item)).toBe(true)
    expect(await ids(id, 'n')).toEqual(['3', '4', '2'])
    expect(await store.items(id, 'n', { max: 2 })).toEqual([pepItem('4'), pepItem('2')])
    expect(await store.items(id, 'n', { max: 10 })).toEqual([pepItem('3'), pepItem('4'), pepItem('2')])
    expect(await store.items(id, 'n', { ids: ['2', '3', 'none'] })).toEqual([pepItem('3'), pepItem('2')])
    expect(await store.items(id, 'other', { max: 10 })).toEqual([])
  })

  test('fewer items allowed: the oldest go', async () => {
    const id = owner()
    for (const item of ['1', '2', '3']) await put(id, 'n', item)
    await store.saveNode(id, pepNode('n', { maxItems: 1 }))
    expect(await ids(id, 'n')).toEqual(['3'])
  })

  test('counts what items cost, and refuses what would exceed the quota without a trace', async () => {
    const id = owner()
    await put(id, 'n', '1')
    const cost = itemCost(pepItem('1'))
    expect(await store.usage(id)).toEqual({ nodes: 1, bytes: cost })
    expect(await put(id, 'n', '2', {}, cost * 2)).toBe(true)
    expect(await put(id, 'n', '3', {}, cost * 2)).toBe(false)
    expect(await put(id, 'new', '3', {}, cost * 2)).toBe(false)
    expect(await ids(id, 'n')).toEqual(['1', '2'])
    expect(await store.node(id, 'new')).toBeUndefined()
    expect(await put(id, 'n', '2', {}, cost * 2)).toBe(true)
    expect(await put(owner(), 'n', '1', {}, cost)).toBe(true)
  })

  test('retracts, purges, deletes', async () => {
    const id = owner()
    for (const item of ['1', '2']) await put(id, 'n', item)
    expect(await store.retract(id, 'n', '1')).toBe(true)
    expect(await store.retract(id, 'n', '1')).toBe(false)
    expect(await ids(id, 'n')).toEqual(['2'])
    await store.purge(id, 'n')
    expect(await ids(id, 'n')).toEqual([])
    expect(await store.node(id, 'n')).toBeDefined()
    expect(await store.deleteNode(id, 'n')).toBe(true)
    expect(await store.deleteNode(id, 'n')).toBe(false)
    expect(await store.usage(id)).toEqual({ nodes: 0, bytes: 0 })
  })

  test('finds the newest items of several accounts, where they are announced to newcomers', async () => {
    const [romeo, juliet] = [owner(), owner()]
    for (const item of ['1', '2']) await put(romeo, 'n', item)
    await put(romeo, 'quiet', '1', { sendLast: 'never' })
    await put(romeo, 'other', '1')
    await put(juliet, 'n', '9', { accessModel: 'open' })
    await store.saveNode(juliet, pepNode('empty'))
    const last = await store.lastItems([romeo, juliet, owner()], ['n', 'quiet', 'empty', 'none'])
    const found = last.map(({ accountId, node, item, config }) => ({
      accountId,
      node,
      item,
      access: config.accessModel,
    }))
    expect(found.toSorted((a, b) => (a.item.id < b.item.id ? -1 : 1))).toEqual([
      { accountId: romeo, node: 'n', item: pepItem('2'), access: 'presence' },
      { accountId: juliet, node: 'n', item: pepItem('9'), access: 'open' },
    ])
    expect(await store.lastItems([], ['n'])).toEqual([])
  })

  test('names and ids are taken as they are', async () => {
    const id = owner()
    const tricky = [`'; drop table`, '%', '_', '{"a"}', ' ', '\u{10FFFD}', 'A', 'a', '../x', 'é', 'e\u0301']
    for (const name of tricky) await store.put(id, pepNode(name), pepItem(name, 'p'), ROOMY)
    expect((await store.nodes(id)).map(({ node }) => node).toSorted()).toEqual(tricky.toSorted())
    for (const name of tricky) expect(await ids(id, name)).toEqual([name])
  })

  test('subscribers of a node, once each, in order; gone when they unsubscribe and with the node', async () => {
    const id = owner()
    const [ann, bob] = [person('ann'), person('bob')]
    for (const node of ['n', 'm']) await store.saveNode(id, pepNode(node))
    for (const one of [bob, ann, bob]) {
      expect(await store.subscribe(id, 'n', one, ROOM_FOR_ALL)).toBe('subscribed')
    }
    expect(await store.subscribe(id, 'm', ann, ROOM_FOR_ALL)).toBe('subscribed')
    expect(await store.subscribe(id, 'none', ann, ROOM_FOR_ALL)).toBe('no-node')
    await put(id, 'n', '1')
    await store.saveNode(id, pepNode('n', { maxItems: 2 }))
    expect(await store.subscribers(id, 'n')).toEqual([ann, bob])
    expect(await store.subscriptionsOf(ann.accountId)).toEqual([
      { accountId: id, node: 'm' },
      { accountId: id, node: 'n' },
    ])
    expect(await store.unsubscribe(id, 'n', bob.accountId)).toBe(true)
    expect(await store.unsubscribe(id, 'n', bob.accountId)).toBe(false)
    expect(await store.subscribers(id, 'n')).toEqual([ann])
    await store.deleteNode(id, 'n')
    await store.saveNode(id, pepNode('n'))
    expect(await store.subscribers(id, 'n')).toEqual([])
    expect(await store.subscriptionsOf(ann.accountId)).toEqual([{ accountId: id, node: 'm' }])
  })

  test('subscriptions end at the limits of both accounts, without a trace', async () => {
    const [id, other] = [owner(), owner()]
    const [ann, bob] = [person('ann'), person('bob')]
    for (const each of [id, other]) for (const node of ['n', 'm']) await store.saveNode(each, pepNode(node))
    const limits = { subscribersMax: 2, subscriptionsMax: 3 }
    const add = (to: string, node: string, one: Subscriber) => store.subscribe(to, node, one, limits)
    expect(await add(id, 'n', ann)).toBe('subscribed')
    expect(await add(id, 'm', ann)).toBe('subscribed')
    expect(await add(id, 'n', bob)).toBe('full')
    expect(await add(id, 'n', ann)).toBe('subscribed')
    expect(await add(other, 'n', ann)).toBe('subscribed')
    expect(await add(other, 'm', ann)).toBe('full')
    expect(await store.subscribers(id, 'n')).toEqual([ann])
    expect(await store.subscriptionsOf(ann.accountId)).toHaveLength(3)
  })

  test('5 tries: the limits hold for requests at the same time, whichever account they are of', async () => {
    const ten = Array.from('0123456789')
    const won = (results: readonly string[]) => results.filter((each) => each === 'subscribed').length
    for (let tries = 0; tries < 5; tries++) {
      const [id, other] = [owner(), owner()]
      const save = (each: string) => Promise.all(ten.map((node) => store.saveNode(each, pepNode(node))))
      await Promise.all([save(id), save(other)])
      const few = { subscribersMax: 3, subscriptionsMax: 100 }
      const toOne = ten.map((digit) => store.subscribe(id, '0', person(`p${digit}`), few))
      expect(won(await Promise.all(toOne))).toBe(3)
      const ann = person('ann')
      const ofOne = ten.map((node) =>
        store.subscribe(other, node, ann, { ...ROOM_FOR_ALL, subscriptionsMax: 3 }),
      )
      expect(won(await Promise.all(ofOne))).toBe(3)
      const there = { accountId: other, jid: parseJid('other@localhost') }
      const back = { accountId: id, jid: parseJid('id@localhost') }
      const crossed = ten.flatMap((node) => [
        store.subscribe(id, node, there, ROOM_FOR_ALL),
        store.subscribe(other, node, back, ROOM_FOR_ALL),
      ])
      expect(won(await Promise.all(crossed))).toBe(20)
    }
  })

  test('erasing forgets whom an account was subscribed to, and who was to it', async () => {
    const id = owner()
    const [ann, bob] = [person('ann'), person('bob')]
    await store.saveNode(id, pepNode('n'))
    for (const one of [ann, bob]) await store.subscribe(id, 'n', one, ROOM_FOR_ALL)
    await store.erase(ann.accountId)
    expect(await store.subscribers(id, 'n')).toEqual([bob])
    await store.erase(id)
    expect(await store.subscriptionsOf(bob.accountId)).toEqual([])
  })

  test('erases one account and no other', async () => {
    const [romeo, juliet] = [owner(), owner()]
    for (const id of [romeo, juliet]) await put(id, 'n', '1')
    await store.erase(romeo)
    await store.erase(romeo)
    expect(await store.usage(romeo)).toEqual({ nodes: 0, bytes: 0 })
    expect(await ids(romeo, 'n')).toEqual([])
    expect(await ids(juliet, 'n')).toEqual(['1'])
  })
})
