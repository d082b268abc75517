import { mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock, systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { SIZE_CLASSES, openKeyring, packRow, requestAdopt, requestReset } from './index.ts'
import { overwritesInPlace } from './overwrites-in-place.ts'
import type { Keyring, KeyringOptions } from './index.ts'

const INSTANCE = '11111111-1111-4111-8111-111111111111'
const OTHER_INSTANCE = '22222222-2222-4222-8222-222222222222'
const ACCOUNT = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const DEVICE = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'

async function directory(): Promise<{ path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'keyring-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

function options(path: string, changes: Partial<KeyringOptions> = {}): KeyringOptions {
  return {
    mode: 'file',
    directory: path,
    instanceId: INSTANCE,
    lastSeen: undefined,
    rowsExist: false,
    random: systemRandom,
    clock: new VirtualClock(),
    ...changes,
  }
}

function seal(keyring: Keyring, seq: number, text: string, due = 2_000_000_000) {
  const queue = keyring.queue(ACCOUNT, DEVICE)
  return { queue, seq, ...keyring.seal(queue, seq, Buffer.from(text), due, 'message') }
}

test('a sealed message opens after a restart, and not after it was shredded', async () => {
  await using home = await directory()
  const first = await openKeyring(options(home.path))
  const kept = seal(first, 1, 'kept')
  const gone = seal(first, 2, 'gone')
  expect(first.shred([gone.id])).toBe(1)
  expect(first.shred([gone.id])).toBe(0)
  expect(first.open(gone.id, gone.queue, 2, gone.blob)).toBeUndefined()
  await first.synced()
  await first[Symbol.asyncDispose]()

  await using second = await openKeyring(options(home.path))
  expect(second.epoch).toBe(2)
  expect(second.keyringId).toBe(first.keyringId)
  expect(second.size).toBe(1)
  const queue = second.findQueue(ACCOUNT, DEVICE)
  expect(queue?.handle).toBe(kept.queue.handle)
  expect(second.open(kept.id, kept.queue, 1, kept.blob)?.toString()).toBe('kept')
  expect(second.open(gone.id, gone.queue, 2, gone.blob)).toBeUndefined()
})

test('a blob opens only under its own id, queue and sequence number', async () => {
  await using home = await directory()
  await using keyring = await openKeyring(options(home.path))
  const message = seal(keyring, 1, 'text')
  const other = keyring.queue(ACCOUNT, 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee')
  const open =
    (queue = message.queue, seq = 1, blob = message.blob) =>
    () =>
      keyring.open(message.id, queue, seq, blob)
  expect(open()()?.toString()).toBe('text')
  expect(open(other)).toThrow(expect.objectContaining({ code: 'BLOB_CORRUPT' }))
  expect(open(message.queue, 2)).toThrow(expect.objectContaining({ code: 'BLOB_CORRUPT' }))
  const changed = Buffer.from(message.blob)
  changed[7] = (changed[7] ?? 0) ^ 1
  expect(open(message.queue, 1, changed)).toThrow(expect.objectContaining({ code: 'BLOB_CORRUPT' }))
  expect(open(message.queue, 1, Buffer.alloc(3))).toThrow(expect.objectContaining({ code: 'BLOB_CORRUPT' }))
})

test('blobs have the size of a class and nothing between', async () => {
  await using home = await directory()
  await using keyring = await openKeyring(options(home.path))
  const queue = keyring.queue(ACCOUNT, DEVICE)
  let seq = 0
  for (const size of SIZE_CLASSES) {
    const fits = Buffer.alloc(size - 20, 1)
    const sealed = keyring.seal(queue, (seq += 1), fits, 1, 'message')
    expect(sealed.blob.length).toBe(size)
    expect(keyring.open(sealed.id, queue, seq, sealed.blob)).toEqual(fits)
  }
  const tooLarge = Buffer.alloc((SIZE_CLASSES.at(-1) ?? 0) - 19)
  expect(() => keyring.seal(queue, seq + 1, tooLarge, 1, 'message')).toThrow(
    expect.objectContaining({ code: 'PLAINTEXT_TOO_LARGE' }),
  )
  expect(keyring.size).toBe(SIZE_CLASSES.length)
})

test('after shred and sync neither key nor id nor person is anywhere in the file', async () => {
  await using home = await directory()
  await using keyring = await openKeyring(options(home.path))
  const file = join(home.path, 'keyring.slots')
  const messages = Array.from({ length: 50 }, (_, index) => seal(keyring, index + 1, `text ${String(index)}`))
  await keyring.synced()
  const before = await readFile(file)
  const slots = messages.map(({ id }) => before.indexOf(Buffer.from(id.replaceAll('-', ''), 'hex')))
  expect(slots.every((position) => position > 0)).toBe(true)
  const keys = slots.map((position) => before.subarray(position + 16, position + 48))
  keyring.shred(messages.map(({ id }) => id))
  keyring.drain(keyring.queue(ACCOUNT, DEVICE))
  await keyring.synced()
  const after = await readFile(file)
  expect(after.length).toBe(before.length)
  expect(keys.some((key) => after.includes(key))).toBe(false)
  expect(after.subarray(4096).every((byte) => byte === 0)).toBe(true)
})

test('due gives what fell due to the second and nothing else', async () => {
  await using home = await directory()
  await using keyring = await openKeyring(options(home.path))
  const queue = keyring.queue(ACCOUNT, DEVICE)
  const sealed = [50, 10, 30, 20, 40].map(
    (due, index) => keyring.seal(queue, index + 1, Buffer.from('x'), due, 'call').id,
  )
  const due = (second: number) =>
    keyring
      .due(second)
      .map(({ id }) => sealed.indexOf(id))
      .toSorted((a, b) => a - b)
  expect(due(9)).toEqual([])
  expect(due(30)).toEqual([1, 2, 3])
  keyring.shred([sealed[3] ?? ''])
  expect(due(30)).toEqual([1, 2])
  expect(keyring.due(100, 2)).toHaveLength(2)
  expect(keyring.due(10)[0]).toMatchObject({ kind: 'call', queue: { device: DEVICE } })
})

test('a queue knows its messages in order, its size and its oldest', async () => {
  await using home = await directory()
  const clock = new VirtualClock(5_000_000)
  await using keyring = await openKeyring(options(home.path, { clock }))
  const [a, b, c] = [seal(keyring, 1, 'a'), seal(keyring, 2, 'b'.repeat(500)), seal(keyring, 7, 'c')]
  expect(a.queue).toMatchObject({ count: 3, bytes: 256 + 1024 + 256, lastSeq: 7 })
  expect(keyring.messages(a.queue).map(({ id }) => id)).toEqual([a.id, b.id, c.id])
  expect(keyring.oldest(a.queue)).toBe(5000)
  keyring.shred([b.id])
  expect(keyring.messages(a.queue, 1)).toMatchObject([{ id: c.id, seq: 7, sealed: 5000, bytes: 256 }])
  keyring.shred([a.id, c.id])
  expect(a.queue).toMatchObject({ count: 0, bytes: 0, lastSeq: 7 })
  expect(keyring.oldest(a.queue)).toBeUndefined()
  keyring.drain(a.queue)
  expect(keyring.findQueue(ACCOUNT, DEVICE)).toBeUndefined()
  expect(keyring.queue(ACCOUNT, DEVICE).handle).not.toBe(a.queue.handle)
})

test('reconciliation drops rows without a key and slots without a row, and puts the rest in order', async () => {
  await using home = await directory()
  const first = await openKeyring(options(home.path))
  const [a, b, c] = [seal(first, 1, 'a'), seal(first, 2, 'b'), seal(first, 3, 'c')]
  const empty = first.queue(ACCOUNT, 'eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee')
  expect(empty.count).toBe(0)
  await first[Symbol.asyncDispose]()

  await using second = await openKeyring(options(home.path))
  const reconciliation = second.reconcile()
  const row = (of: typeof a, handle = of.queue.handle) =>
    packRow({ id: of.id, handle, seq: of.seq, sizeClass: of.sizeClass })
  const other = '99999999-9999-4999-8999-999999999999'
  expect(reconciliation.rows(Buffer.concat([row(c), row({ ...b, id: other, seq: 9 }), row(a)]))).toEqual([
    other,
  ])
  expect(reconciliation.rows(row(b, other))).toEqual([b.id])
  expect(reconciliation.rows(Buffer.alloc(0))).toEqual([])
  expect(reconciliation.finish()).toEqual({ messages: 1, queues: 1 })
  const [queue] = second.queues()
  expect(queue).toMatchObject({ count: 2, bytes: 512, lastSeq: 9 })
  expect(second.messages(queue ?? a.queue).map(({ id }) => id)).toEqual([a.id, c.id])
  expect(second.has(b.id)).toBe(false)
})

test('modes, and one process at a time', async () => {
  await using home = await directory()
  const path = join(home.path, 'keyring')
  const keyring = await openKeyring(options(path))
  expect((await stat(path)).mode & 0o777).toBe(0o700)
  expect((await stat(join(path, 'keyring.slots'))).mode & 0o777).toBe(0o600)
  await expect(openKeyring(options(path))).rejects.toMatchObject({ code: 'KEYRING_HELD' })
  await keyring[Symbol.asyncDispose]()
  await using again = await openKeyring(options(path))
  expect(again.epoch).toBe(2)
})

test('a keyring of another database is refused until adopted', async () => {
  await using home = await directory()
  const first = await openKeyring(options(home.path))
  const message = seal(first, 1, 'text')
  await first[Symbol.asyncDispose]()
  const elsewhere = options(home.path, { instanceId: OTHER_INSTANCE })
  await expect(openKeyring(elsewhere)).rejects.toMatchObject({ code: 'KEYRING_INSTANCE_MISMATCH' })
  await requestAdopt(home.path)
  const adopted = await openKeyring(elsewhere)
  expect(adopted.has(message.id)).toBe(true)
  await adopted[Symbol.asyncDispose]()
  await expect(openKeyring(options(home.path))).rejects.toMatchObject({ code: 'KEYRING_INSTANCE_MISMATCH' })
})

test('a missing keyring is refused while rows need it, until reset; a request is used up unneeded', async () => {
  await using home = await directory()
  const lastSeen = { keyringId: '33333333-3333-4333-8333-333333333333', epoch: 4 }
  const lost = options(home.path, { rowsExist: true, lastSeen })
  await expect(openKeyring(lost)).rejects.toMatchObject({ code: 'KEYRING_LOST' })
  await requestAdopt(home.path)
  await expect(openKeyring(lost)).rejects.toMatchObject({ code: 'KEYRING_LOST' })
  await requestReset(home.path)
  const keyring = await openKeyring(lost)
  expect(keyring.epoch).toBe(5)
  const message = seal(keyring, 1, 'text')
  await keyring[Symbol.asyncDispose]()

  await requestReset(home.path)
  const known = { rowsExist: true, lastSeen: { keyringId: keyring.keyringId, epoch: 5 } }
  const healthy = await openKeyring(options(home.path, known))
  expect(healthy.has(message.id)).toBe(true)
  await healthy[Symbol.asyncDispose]()
  await using after = await openKeyring(options(home.path, known))
  expect(after.has(message.id)).toBe(true)
})

test('a copy that was put back is refused: it holds keys that were destroyed since', async () => {
  await using home = await directory()
  const keyring = await openKeyring(options(home.path))
  await keyring[Symbol.asyncDispose]()
  const lastSeen = { keyringId: keyring.keyringId, epoch: 3 }
  const stale = options(home.path, { rowsExist: true, lastSeen })
  await expect(openKeyring(stale)).rejects.toMatchObject({ code: 'KEYRING_ROLLED_BACK' })
  await requestAdopt(home.path)
  await using adopted = await openKeyring(stale)
  expect(adopted.epoch).toBe(4)
})

test('a damaged header is refused until reset, which destroys the old keys', async () => {
  await using home = await directory()
  const file = join(home.path, 'keyring.slots')
  const first = await openKeyring(options(home.path))
  const message = seal(first, 1, 'text')
  await first[Symbol.asyncDispose]()
  const content = await readFile(file)
  await writeFile(file, content.fill(7, 0, 4096))
  await requestAdopt(home.path)
  await expect(openKeyring(options(home.path))).rejects.toMatchObject({ code: 'KEYRING_DAMAGED' })
  await requestReset(home.path)
  await using second = await openKeyring(options(home.path))
  expect(second.keyringId).not.toBe(first.keyringId)
  expect(second.has(message.id)).toBe(false)
  expect((await readFile(file)).length).toBe(4096)
})

test('a symbolic link in the place of the file is not followed', async () => {
  await using home = await directory()
  const file = join(home.path, 'keyring.slots')
  await (await openKeyring(options(home.path)))[Symbol.asyncDispose]()
  await rename(file, join(home.path, 'elsewhere'))
  await symlink(join(home.path, 'elsewhere'), file)
  await expect(openKeyring(options(home.path))).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE' })
})

test('memory and plain file systems are overwritten in place', async () => {
  expect(await overwritesInPlace('/dev/shm')).toBe(true)
})

test('ram mode writes no slot anywhere', async () => {
  await using home = await directory()
  await using keyring = await openKeyring(options(join(home.path, 'none'), { mode: 'ram' }))
  const message = seal(keyring, 1, 'text')
  await keyring.synced()
  expect(keyring.open(message.id, message.queue, 1, message.blob)?.toString()).toBe('text')
  await expect(stat(join(home.path, 'none'))).rejects.toMatchObject({ code: 'ENOENT' })
})
