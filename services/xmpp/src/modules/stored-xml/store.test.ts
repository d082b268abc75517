import { randomUUID } from 'node:crypto'
import { openDb } from '@sealpost/db'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../../test/database.ts'
import { memoryXmlStore } from './store.memory.ts'
import { postgresXmlStore } from './store.postgres.ts'
import { type StoredXml, xmlCost, type XmlStore } from './store.ts'

async function openPostgres(): Promise<AsyncDisposable & { store: XmlStore }> {
  const stack = new AsyncDisposableStack()
  const { url } = stack.use(await createMigratedDatabase())
  const db = stack.use(await openDb({ url, role: 'sealpost_xmpp' }))
  return { store: postgresXmlStore(db), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const BYTES_MAX = 2_000
const a: StoredXml = { ns: 'urn:a', name: 'x', xml: "<x xmlns='urn:a'>é</x>" }
const b: StoredXml = { ns: 'urn:a', name: 'y', xml: "<y xmlns='urn:a'/>" }
const c: StoredXml = { ns: 'urn:B', name: 'x', xml: "<x xmlns='urn:B'/>" }

describe.each([
  ['memory', async () => ({ store: memoryXmlStore(), async [Symbol.asyncDispose]() {} })],
  ['postgres', openPostgres],
])('XmlStore (%s)', (_, open) => {
  let fixture: Awaited<ReturnType<typeof openPostgres>>
  let store: XmlStore
  beforeAll(async () => {
    fixture = await open()
    store = fixture.store
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('what was put is found by name and namespace, of its account alone', async () => {
    const id = randomUUID()
    expect(await store.get(id, a)).toBeUndefined()
    expect(await store.put(id, [a, b], BYTES_MAX)).toBe(true)
    expect(await store.put(id, [c], BYTES_MAX)).toBe(true)
    expect(await store.get(id, { ns: a.ns, name: a.name })).toBe(a.xml)
    expect(await store.get(id, { ns: 'urn:b', name: 'x' })).toBeUndefined()
    expect(await store.get(randomUUID(), a)).toBeUndefined()
    expect(await store.all(id)).toEqual([c, a, b])
  })

  test('a name has one element', async () => {
    const id = randomUUID()
    await store.put(id, [a], BYTES_MAX)
    const again = { ...a, xml: "<x xmlns='urn:a'>2</x>" }
    expect(await store.put(id, [again], BYTES_MAX)).toBe(true)
    expect(await store.all(id)).toEqual([again])
  })

  test('the quota counts bytes, and not what is replaced; beyond it nothing changes', async () => {
    const id = randomUUID()
    const most = xmlCost(a) + xmlCost(b)
    expect(await store.put(id, [a, b], most)).toBe(true)
    expect(await store.put(id, [a], most)).toBe(true)
    expect(await store.put(id, [a, c], most)).toBe(false)
    expect(await store.put(randomUUID(), [a, b], most - 1)).toBe(false)
    expect(await store.all(id)).toEqual([a, b])
  })

  test('erasing leaves others alone', async () => {
    const [id, other] = [randomUUID(), randomUUID()]
    await store.put(id, [a], BYTES_MAX)
    await store.put(other, [b], BYTES_MAX)
    await store.erase(id)
    expect([await store.all(id), await store.all(other)]).toEqual([[], [b]])
  })
})
