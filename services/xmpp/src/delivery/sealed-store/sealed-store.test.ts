import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from '@sealpost/db'
import { requestAdopt, requestReset } from '@sealpost/keyring'
import { createMetrics } from '@sealpost/metrics'
import { VirtualClock } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { LATER, createFixture, newQueue, texts } from './_fixture.ts'
import type { Fixture } from './_fixture.ts'
import type { SealedEntry, SealedStore } from './sealed-store.ts'

function append(store: SealedStore, queue = newQueue(), text = 'text', due = LATER): SealedEntry {
  return store.append(queue, Buffer.from(text), due, 'message')
}

test('what was stored is read in order after a restart, and what was shredded is not', async () => {
  await using fixture = await createFixture()
  const queue = newQueue()
  const first = await fixture.open()
  const entries = Array.from({ length: 20 }, (_, index) => append(first, queue, `text ${String(index)}`))
  await Promise.all(entries.map(({ stored }) => stored))
  expect(first.shred(entries.slice(0, 5).map(({ id }) => id))).toBe(5)
  const expected = Array.from({ length: 15 }, (_, index) => `text ${String(index + 5)}`)
  expect(await texts(first, queue)).toEqual(expected)
  await first[Symbol.asyncDispose]()
  expect(await fixture.rowCount()).toBe(15)

  await using second = await fixture.open()
  expect(await texts(second, queue)).toEqual(expected)
  expect(second.depth(queue)).toMatchObject({ count: 15, bytes: 15 * 256, lastSeq: 20 })
  expect(second.queuesOf(queue.account)).toEqual([queue])
  const more = append(second, queue, 'more')
  expect(more.seq).toBe(21)
  await more.stored
  expect(await texts(second, queue, 19)).toEqual(['text 19', 'more'])
})

test('pages end at the limits of rows and bytes, but hold at least one message', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  const large = 'x'.repeat(3000)
  for (const text of ['a', large, 'b', 'c']) append(store, queue, text)
  await store.flushed()
  const page = async (after: number, rows: number, bytes: number): Promise<number[]> =>
    (await store.read(queue, after, rows, bytes)).map(({ seq }) => seq)
  expect(await page(0, 2, 1e9)).toEqual([1, 2])
  expect(await page(0, 9, 300)).toEqual([1])
  expect(await page(1, 9, 300)).toEqual([2])
  expect(await page(2, 9, 512)).toEqual([3, 4])
})

test('messages can be read before they are stored, and positions rise when a queue drains and fills again', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  const a = append(store, queue, 'a')
  const b = append(store, queue, 'b')
  expect(await texts(store, queue)).toEqual(['a', 'b'])
  store.shred([a.id, b.id])
  expect(store.depth(queue)).toEqual({ count: 0, bytes: 0, oldest: undefined, lastSeq: 0 })
  await a.stored
  const c = append(store, queue, 'c')
  expect(c.seq).toBeGreaterThan(b.seq)
  expect(await texts(store, queue, b.seq)).toEqual(['c'])
  await c.stored
  store.shred([c.id])
  await store.garbage()
  expect(await fixture.rowCount()).toBe(0)
})

test('a drained and collected store leaves no row and an empty keyring', async () => {
  await using fixture = await createFixture()
  const metrics = createMetrics()
  const store = await fixture.open({ metrics })
  const queues = Array.from({ length: 10 }, newQueue)
  const entries = queues.flatMap((queue) => Array.from({ length: 30 }, () => append(store, queue)))
  await Promise.all(entries.map(({ stored }) => stored))
  expect(await fixture.rowCount()).toBe(300)
  const [one] = queues
  if (one !== undefined) expect(store.shredAccount(one.account)).toBe(30)
  for (const queue of queues) store.shredQueue(queue)
  await store.shredded()
  expect(await store.garbage()).toBe(300)
  expect(await fixture.rowCount()).toBe(0)
  expect(await metrics.render()).toMatch(/shred_lag_seconds_count [1-9]/)
  const file = await readFile(join(fixture.directory, 'keyring.slots'))
  expect(file.subarray(4096).every((byte) => byte === 0)).toBe(true)
  await store[Symbol.asyncDispose]()
})

test('a row that was shredded while it was being inserted is collected', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  for (let round = 0; round < 30; round++) {
    const entry = append(store)
    if (round % 2 === 0) await new Promise((resolve) => void setImmediate(resolve))
    else await new Promise((resolve) => void setTimeout(resolve, round / 10))
    store.shred([entry.id])
    await store.garbage()
    await entry.stored
  }
  await store.garbage()
  expect(await fixture.rowCount()).toBe(0)
})

test('messages expire to the second, also while the process is down', async () => {
  await using fixture = await createFixture()
  const clock = new VirtualClock()
  const second = clock.now() / 1000
  const queue = newQueue()
  const first = await fixture.open({ clock })
  for (const after of [10, 20, 30]) append(first, queue, String(after), second + after)
  await first.flushed()
  await clock.advance(9999)
  expect(first.expire()).toEqual({ count: 0 })
  await clock.advance(1)
  expect(first.expire()).toEqual({ count: 1 })
  expect(await texts(first, queue)).toEqual(['20', '30'])
  await first[Symbol.asyncDispose]()
  await clock.advance(10_000)
  await using again = await fixture.open({ clock })
  expect(await texts(again, queue)).toEqual(['30'])
})

test('rows and keys that lost each other go at the next start', async () => {
  await using fixture = await createFixture()
  const queue = newQueue()
  const first = await fixture.open()
  const entries = ['a', 'b', 'c'].map((text) => append(first, queue, text))
  await first.flushed()
  await first[Symbol.asyncDispose]()
  await fixture.db.execute(sql`delete from xmpp.sealed where id = ${entries[1]?.id}::uuid`)
  await fixture.db.execute(sql`
    insert into xmpp.sealed (id, queue_handle, seq, size_class, blob)
    select gen_random_uuid(), queue_handle, seq + 50, size_class, blob from xmpp.sealed`)
  await using second = await fixture.open()
  expect(await fixture.rowCount()).toBe(2)
  expect(await texts(second, queue)).toEqual(['a', 'c'])
  expect(append(second, queue).seq).toBe(54)
})

test('no table tells whose message it is or when it came', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  await append(store, queue, 'canary').stored
  const [row] = await fixture.db.query<Record<string, unknown>>(sql`select * from xmpp.sealed`)
  expect(Object.keys(row ?? {})).toEqual(['id', 'queue_handle', 'seq', 'size_class', 'blob'])
  expect(row?.['blob']).toHaveLength(256)
  const dump = JSON.stringify([row, await fixture.db.query(sql`select * from xmpp.keyring_lease`)])
  expect(dump).not.toContain(queue.account)
  expect(dump).not.toContain(queue.device)
})

test('a second process is kept out, and takes over when the first has gone', async () => {
  await using fixture = await createFixture()
  const first = await fixture.open()
  await expect(fixture.open({ leaseWaitMs: 200 })).rejects.toMatchObject({ code: 'KEYRING_HELD' })
  const opening = fixture.open()
  await first[Symbol.asyncDispose]()
  await using second = await opening
  await append(second).stored
})

test('taking over waits for inserts that began under the old lease', async () => {
  await using fixture = await createFixture()
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<void>()
  const order: string[] = []
  const insert = fixture.db.transaction(async (tx) => {
    await tx.execute(sql`
      insert into xmpp.sealed (id, queue_handle, seq, size_class, blob)
      values (gen_random_uuid(), gen_random_uuid(), 1, 0, '')`)
    begun.resolve()
    await end.promise
    order.push('inserted')
  })
  await begun.promise
  const opening = fixture.open().then((store) => {
    order.push('opened')
    return store
  })
  await expect.poll(() => locks(fixture, "not granted and mode = 'ShareRowExclusiveLock'")).toBe(1)
  end.resolve()
  await insert
  await using store = await opening
  expect(order).toEqual(['inserted', 'opened'])
  expect(store.queuesOf(newQueue().account)).toEqual([])
  expect(await fixture.rowCount()).toBe(0)
})

test('who lost the lease stores and reads nothing more', async () => {
  await using fixture = await createFixture()
  let fenced = 0
  await using store = await fixture.open({ onFenced: () => void (fenced += 1) })
  const queue = newQueue()
  await append(store, queue).stored
  await fixture.db.execute(sql`update xmpp.keyring_lease set epoch = epoch + 1`)
  await expect(store.read(queue, 0, 10, 1e6)).rejects.toMatchObject({ code: 'STORE_FENCED' })
  expect(fenced).toBe(1)
  expect(() => append(store, queue)).toThrow(expect.objectContaining({ code: 'STORE_FENCED' }))
})

test('an insert under a lost lease adds nothing and rejects', async () => {
  await using fixture = await createFixture()
  let fenced = 0
  await using store = await fixture.open({ onFenced: () => void (fenced += 1) })
  await fixture.db.execute(sql`update xmpp.keyring_lease set epoch = epoch + 1`)
  const entries = [append(store), append(store)]
  for (const { stored } of entries) await expect(stored).rejects.toMatchObject({ code: 'STORE_FENCED' })
  expect(fenced).toBe(1)
  expect(await fixture.rowCount()).toBe(0)
})

test('more than may wait is refused at once', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open({ backlogBytesMax: 1024 })
  const entries = [append(store), append(store), append(store), append(store)]
  expect(() => append(store)).toThrow(expect.objectContaining({ code: 'STORE_BUSY' }))
  await Promise.all(entries.map(({ stored }) => stored))
  await append(store).stored
})

test('a message that is too large leaves no queue behind', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  expect(() => append(store, queue, 'x'.repeat(300_000))).toThrow(
    expect.objectContaining({ code: 'PLAINTEXT_TOO_LARGE' }),
  )
  expect(store.queuesOf(queue.account)).toEqual([])
})

test('a keyring that went missing is refused while rows need it, until reset', async () => {
  await using fixture = await createFixture()
  const queue = newQueue()
  const first = await fixture.open()
  await append(first, queue).stored
  await first[Symbol.asyncDispose]()
  const elsewhere = { keyring: { mode: 'file', directory: join(fixture.directory, 'other') } } as const
  await expect(fixture.open(elsewhere)).rejects.toMatchObject({ code: 'KEYRING_LOST' })
  expect(await fixture.rowCount()).toBe(1)
  const second = await fixture.open()
  expect(await texts(second, queue)).toEqual(['text'])
  await second[Symbol.asyncDispose]()
  await requestReset(elsewhere.keyring.directory)
  await using third = await fixture.open(elsewhere)
  expect(await texts(third, queue)).toEqual([])
  expect(await fixture.rowCount()).toBe(0)
})

test('an older copy of the keyring that was adopted: the start destroys the keys whose rows are gone, in the file as well', async () => {
  await using fixture = await createFixture()
  const file = join(fixture.directory, 'keyring.slots')
  const queue = newQueue()
  const first = await fixture.open()
  const [gone, kept] = ['gone', 'kept'].map((text) => append(first, queue, text))
  await first[Symbol.asyncDispose]()
  const copy = await readFile(file)
  const second = await fixture.open()
  expect(second.shred([gone!.id])).toBe(1)
  await second.shredded()
  expect(await second.garbage()).toBe(1)
  await second[Symbol.asyncDispose]()
  await writeFile(file, copy)
  await expect(fixture.open()).rejects.toMatchObject({ code: 'KEYRING_ROLLED_BACK' })
  const slotsOf = (content: Buffer) =>
    [gone!, kept!].map(({ id }) => content.includes(Buffer.from(id.replaceAll('-', ''), 'hex')))
  expect(slotsOf(await readFile(file))).toEqual([true, true])
  await requestAdopt(fixture.directory)
  await using third = await fixture.open()
  await third.shredded()
  expect(slotsOf(await readFile(file))).toEqual([false, true])
  expect(await texts(third, queue)).toEqual(['kept'])
})

test('in ram mode a restart leaves nothing, in the database neither', async () => {
  await using fixture = await createFixture()
  const ram = { keyring: { mode: 'ram', directory: fixture.directory } } as const
  const first = await fixture.open(ram)
  await append(first).stored
  await first[Symbol.asyncDispose]()
  const second = await fixture.open(ram)
  expect(await fixture.rowCount()).toBe(0)
  await append(second).stored
  await second[Symbol.asyncDispose]()
  await using file = await fixture.open()
  expect(await fixture.rowCount()).toBe(0)
  await append(file).stored
})

test('the database connections may all be cut at any time', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  const entries: SealedEntry[] = []
  let cut = 0
  // On a busy machine connections come back slowly: there is not always one to cut.
  for (let round = 0; round < 20 || (cut <= 20 && round < 200); round++) {
    for (let index = 0; index < 20; index++)
      entries.push(append(store, queue, `${String(round)}.${String(index)}`))
    cut += await fixture.cut()
  }
  expect(cut).toBeGreaterThan(20)
  await Promise.all(entries.map(({ stored }) => stored))
  // Of a connection that was cut one may hear when it is used.
  await expect.poll(async () => (await texts(store, queue)).length).toBe(entries.length)
  await expect.poll(() => fixture.rowCount()).toBe(entries.length)
  // The lock comes back by itself.
  await expect.poll(() => locks(fixture, "granted and locktype = 'advisory'")).toBe(1)
  await expect(fixture.open({ leaseWaitMs: 300 })).rejects.toMatchObject({ code: 'KEYRING_HELD' })
})

function locks(fixture: Fixture, which: string): Promise<number> {
  return fixture.administer(`
    select from pg_locks
    where database = (select oid from pg_database where datname = current_database()) and ${which}`)
}
