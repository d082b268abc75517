/** The database or the keyring's disk is away for a while, or for too long; the database comes back as it was before. */
import { sql } from '@sealpost/db'
import type { Db } from '@sealpost/db'
import { diskVolume, openKeyringOn } from '@sealpost/keyring'
import type { KeyFile, KeyringOptions } from '@sealpost/keyring'
import { expect, test } from 'vitest'
import { LATER, createFixture, newQueue, setReadOnly, texts } from './_fixture.ts'
import type { QueueKey, SealedEntry, SealedStore } from './sealed-store.ts'

function append(store: SealedStore, queue: QueueKey, text: string): SealedEntry {
  return store.append(queue, Buffer.from(text), LATER, 'message')
}

test('while the database takes nothing, messages wait and are stored when it does again', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open()
  const queue = newQueue()
  await append(store, queue, 'before').stored
  await setReadOnly(fixture, true)
  const entries = ['a', 'b'].map((text) => append(store, queue, text))
  let settled = false
  entries[0]?.stored.then(
    () => (settled = true),
    () => (settled = true),
  )
  await expect.poll(() => texts(store, queue)).toEqual(['before', 'a', 'b'])
  expect(settled).toBe(false)
  await setReadOnly(fixture, false)
  await Promise.all(entries.map(({ stored }) => stored))
  expect(await fixture.rowCount()).toBe(3)
})

test('after too long they are given up: rejected, and gone', async () => {
  await using fixture = await createFixture()
  await using store = await fixture.open({ retryMs: 300 })
  const queue = newQueue()
  await setReadOnly(fixture, true)
  const entries = ['a', 'b'].map((text) => append(store, queue, text))
  for (const { stored } of entries) await expect(stored).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' })
  expect(store.depth(queue).count).toBe(0)
  expect(store.queuesOf(queue.account)).toEqual([])
  await setReadOnly(fixture, false)
  await expect.poll(async () => append(store, queue, 'c').stored.then(() => 'stored', String)).toBe('stored')
  expect(await texts(store, queue)).toEqual(['c'])
})

test('while the keyring cannot be written nothing new is kept, and what was under way is stored later', async () => {
  await using fixture = await createFixture()
  let broken = false
  const breakable = (file: KeyFile): KeyFile => ({
    ...file,
    sync: () => (broken ? Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' })) : file.sync()),
  })
  const openKeyring = async (options: KeyringOptions) => {
    const volume = await diskVolume(options.directory)
    return openKeyringOn(
      { ...volume, create: async (content) => breakable(await volume.create(content)) },
      options,
    )
  }
  await using store = await fixture.open({ openKeyring })
  const queue = newQueue()
  await append(store, queue, 'before').stored
  broken = true
  const entry = append(store, queue, 'during')
  await expect
    .poll(() => {
      try {
        append(store, newQueue(), 'x').stored.catch(() => undefined)
        return 'kept'
      } catch (error) {
        return (error as { code: string }).code
      }
    })
    .toBe('KEYRING_UNAVAILABLE')
  expect(await texts(store, queue)).toEqual(['before', 'during'])
  broken = false
  await entry.stored
})

test('a database put back from a backup brings back nothing that was delivered', async () => {
  await using fixture = await createFixture()
  const queue = newQueue()
  const first = await fixture.open()
  const [gone, kept] = [append(first, queue, 'delivered'), append(first, queue, 'waiting')]
  await Promise.all([gone.stored, kept.stored])
  await fixture.db.execute(sql`create table xmpp.backup as select * from xmpp.sealed`)
  first.shred([gone.id])
  await first[Symbol.asyncDispose]()
  await fixture.db.execute(sql`delete from xmpp.sealed`)
  await fixture.db.execute(sql`insert into xmpp.sealed select * from xmpp.backup`)
  await fixture.db.execute(sql`update xmpp.keyring_lease set epoch = 0`)
  await using second = await fixture.open()
  expect(await texts(second, queue)).toEqual(['waiting'])
  expect(await fixture.rowCount()).toBe(1)
})

test('an owner that only seems gone is fenced when another takes over', async () => {
  await using fixture = await createFixture()
  let fenced = 0
  // Ours without a lock of the host: as if on another machine over a shared volume.
  const lockless = async (options: KeyringOptions) => {
    const volume = await diskVolume(options.directory)
    const lock = () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() })
    return openKeyringOn({ ...volume, lock }, options)
  }
  const queue = newQueue()
  // Cut off from the lock for good once it has lost it, but not from the tables.
  let locks = 0
  const db: Db = {
    ...fixture.db,
    lock: (key, onLost) => ((locks += 1) === 1 ? fixture.db.lock(key, onLost) : Promise.resolve(undefined)),
  }
  await using first = await fixture.open({ db, openKeyring: lockless, onFenced: () => void (fenced += 1) })
  const entry = append(first, queue, 'a')
  await entry.stored
  const opening = fixture.open({ openKeyring: lockless, leaseWaitMs: 20_000 })
  expect(await fixture.cut('locks')).toBe(1)
  await using second = await opening
  expect(await texts(second, queue)).toEqual(['a'])
  // It can neither acknowledge nor store any more.
  first.shred([entry.id])
  await expect(first.shredded()).rejects.toMatchObject({ code: 'KEYRING_FENCED' })
  expect(fenced).toBe(1)
  expect(() => append(first, queue, 'late')).toThrow(expect.objectContaining({ code: 'STORE_FENCED' }))
  expect(await texts(second, queue)).toEqual(['a'])
  await append(second, queue, 'b').stored
  expect(await texts(second, queue)).toEqual(['a', 'b'])
  await expect.poll(() => fixture.rowCount()).toBe(2)
})
