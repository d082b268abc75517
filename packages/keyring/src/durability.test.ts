/** A disk that fills up or breaks, and a second process that takes the file. */
import { VirtualClock, systemRandom } from '@sealpost/runtime'
import { expect, test } from 'vitest'
import { MemoryVolume } from './_memory-volume.ts'
import { openKeyringOn } from './index.ts'
import type { Keyring, KeyringOptions } from './index.ts'
import { SLAB_SLOTS } from './slot-table.ts'

const ACCOUNT = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa'
const DEVICE = 'dddddddd-dddd-4ddd-8ddd-dddddddddddd'

function open(volume: MemoryVolume, changes: Partial<KeyringOptions> = {}): Promise<Keyring> {
  return openKeyringOn(volume, {
    mode: 'file',
    directory: '',
    instanceId: '11111111-1111-4111-8111-111111111111',
    lastSeen: undefined,
    rowsExist: false,
    random: systemRandom,
    clock: new VirtualClock(),
    ...changes,
  })
}

function seal(keyring: Keyring): { id: string; open(): Buffer | undefined } {
  const queue = keyring.queue(ACCOUNT, DEVICE)
  const seq = queue.lastSeq + 1
  const { id, blob } = keyring.seal(queue, seq, Buffer.from('text'), 1, 'message')
  return { id, open: () => keyring.open(id, queue, seq, blob) }
}

async function recovered(keyring: Keyring): Promise<void> {
  while (!keyring.available) await keyring.synced().catch(() => undefined)
}

test.each(['failWrite', 'failSync'] as const)(
  '%s: nothing is sealed, everything is kept, until it works again',
  async (failure) => {
    const volume = new MemoryVolume()
    const states: boolean[] = []
    const keyring = await open(volume, { onAvailable: (available) => void states.push(available) })
    const [kept, gone] = [seal(keyring), seal(keyring)]
    await keyring.synced()

    volume[failure] = Object.assign(new Error('disk'), { code: 'ENOSPC' })
    const late = seal(keyring)
    const synced = keyring.synced()
    await expect(synced).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE', cause: { code: 'ENOSPC' } })
    expect(keyring.available).toBe(false)
    expect(() => seal(keyring)).toThrow(expect.objectContaining({ code: 'KEYRING_UNAVAILABLE' }))
    expect(keyring.shred([gone.id])).toBe(1)
    expect(gone.open()).toBeUndefined()
    expect(kept.open()?.toString()).toBe('text')

    volume[failure] = undefined
    await recovered(keyring)
    expect(states).toEqual([false, true])
    seal(keyring)
    await keyring.synced()
    // Only what is on stable storage counts now.
    await using after = await open(volume.crash(() => 0))
    expect([kept, gone, late].map(({ id }) => after.has(id))).toEqual([true, false, true])
    expect(after.size).toBe(3)
    await keyring[Symbol.asyncDispose]()
  },
)

test('a volume that is full: nothing is sealed, but what is shredded is gone from it', async () => {
  const volume = new MemoryVolume()
  const keyring = await open(volume)
  const gone = seal(keyring)
  while (keyring.size < SLAB_SLOTS - 1) seal(keyring) // the queue has a slot, too
  await keyring.synced()
  volume.bytesMax = volume.content.length
  seal(keyring)
  await expect(keyring.synced()).rejects.toMatchObject({ cause: { code: 'ENOSPC' } })
  keyring.shred([gone.id])
  await expect(keyring.synced()).rejects.toMatchObject({ cause: { code: 'ENOSPC' } })
  expect(() => seal(keyring)).toThrow(expect.objectContaining({ code: 'KEYRING_UNAVAILABLE' }))
  const now = await open(volume.crash(() => 0))
  expect([now.has(gone.id), now.size]).toEqual([false, SLAB_SLOTS - 2])

  volume.bytesMax = Infinity
  await recovered(keyring)
  await keyring[Symbol.asyncDispose]()
  await using after = await open(volume.crash(() => 0))
  expect(after.size).toBe(SLAB_SLOTS - 1)
})

test('new keys wait until one is asked for, and share one sync then, and adjacent slots one write', async () => {
  const volume = new MemoryVolume()
  await using keyring = await open(volume)
  seal(keyring)
  await keyring.synced()
  const { syncs, writes } = volume
  for (const end = performance.now() + 10; performance.now() < end;) {
    for (let index = 0; index < 50; index++) seal(keyring)
    await new Promise((resolve) => void setImmediate(resolve))
  }
  expect(volume.writes).toBe(writes)
  await keyring.synced()
  expect(volume.syncs).toBe(syncs + 1)
  expect(volume.writes).toBe(writes + 1)
})

test('a destroyed key is overwritten at once, whatever the disk is at; one that stands still is not given more and more', async () => {
  const volume = new MemoryVolume()
  await using keyring = await open(volume)
  const standing = Promise.withResolvers<void>()
  volume.stands = standing.promise
  const messages = Array.from({ length: 3_000 }, () => seal(keyring))
  const [first, ...others] = messages
  void keyring.synced()
  const isThere = ({ id }: { id: string }): boolean =>
    volume.content.includes(Buffer.from(id.replaceAll('-', ''), 'hex'))
  await expect.poll(() => first && isThere(first)).toBe(true)
  keyring.shred([first?.id ?? ''])
  await Promise.resolve()
  expect(first && isThere(first)).toBe(false)

  const { writes } = volume
  for (const { id } of others) {
    keyring.shred([id])
    await Promise.resolve()
  }
  expect(volume.writes - writes).toBeLessThan(1_100)
  volume.stands = undefined
  standing.resolve()
  await keyring.synced()
  await using after = await open(volume.crash(() => 0))
  expect(after.size).toBe(0)
})

test('a sync that failed fails those that were ordered after it, too', async () => {
  const volume = new MemoryVolume()
  await using keyring = await open(volume)
  const [one, two] = [seal(keyring), seal(keyring)]
  await keyring.synced()
  keyring.shred([one.id])
  const first = keyring.synced()
  await Promise.resolve()
  volume.failSync = new Error('disk')
  setImmediate(() => {
    volume.failSync = undefined
  })
  keyring.shred([two.id])
  const second = keyring.synced()
  expect(second).not.toBe(first)
  await expect(first).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE' })
  await expect(second).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE' })
  await recovered(keyring)
  await using after = await open(volume.crash(() => 0))
  expect(after.size).toBe(0)
})

test('what a failed sync may have lost is written anew only when no other is under way', async () => {
  const volume = new MemoryVolume()
  await using keyring = await open(volume)
  const [one, two] = [seal(keyring), seal(keyring)]
  await keyring.synced()
  volume.failSync = new Error('disk')
  keyring.shred([one.id])
  const first = keyring.synced()
  await Promise.resolve()
  // The first fails, the second stands still meanwhile, and fails in its turn.
  const standing = Promise.withResolvers<void>()
  setImmediate(() => {
    volume.stands = standing.promise
  })
  keyring.shred([two.id])
  const second = keyring.synced()
  await expect(first).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE' })
  const { writes } = volume
  await new Promise((resolve) => setTimeout(resolve, 250)) // longer than the first retry would wait
  expect(volume.writes).toBe(writes)
  volume.stands = undefined
  standing.resolve()
  await expect(second).rejects.toMatchObject({ code: 'KEYRING_UNAVAILABLE' })
  volume.failSync = undefined
  await recovered(keyring)
  await using after = await open(volume.crash(() => 0))
  expect(after.size).toBe(0)
})

test('closing waits for what was changed just before, on stable storage', async () => {
  const volume = new MemoryVolume()
  const keyring = await open(volume)
  const messages = [seal(keyring), seal(keyring)]
  await keyring.synced()
  seal(keyring)
  keyring.shred(messages.map(({ id }) => id))
  await keyring[Symbol.asyncDispose]()
  await using after = await open(volume.crash(() => 0))
  expect(messages.map(({ id }) => after.has(id))).toEqual([false, false])
  expect(after.size).toBe(1)
})

test('who lost the file to a later opening writes nothing more', async () => {
  const volume = new MemoryVolume()
  let fenced = 0
  const first = await open(volume, { onFenced: () => void (fenced += 1) })
  const before = seal(first)
  await first.synced()
  await using second = await open(volume)
  expect(second.has(before.id)).toBe(true)
  const late = seal(first)
  await expect(first.synced()).rejects.toMatchObject({ code: 'KEYRING_FENCED' })
  expect(() => seal(first)).toThrow(expect.objectContaining({ code: 'KEYRING_FENCED' }))
  await expect(first.synced()).rejects.toMatchObject({ code: 'KEYRING_FENCED' })
  expect(fenced).toBe(1)
  expect(volume.content.includes(Buffer.from(late.id.replaceAll('-', ''), 'hex'))).toBe(false)
  await first[Symbol.asyncDispose]()
})

test('the file grows by whole slabs and takes no more than it may', async () => {
  const volume = new MemoryVolume()
  await using keyring = await open(volume, { slotsMax: 16_384 })
  const ids: string[] = []
  for (let index = 1; index < 16_384; index++) ids.push(seal(keyring).id)
  expect(() => seal(keyring)).toThrow(expect.objectContaining({ code: 'KEYRING_FULL' }))
  await keyring.synced()
  expect(volume.content.length).toBe(4096 + 16_384 * 64)
  keyring.shred(ids.slice(0, 10))
  seal(keyring)
})

test('a closed keyring has wiped its keys and says so', async () => {
  const keyring = await open(new MemoryVolume())
  const message = seal(keyring)
  const queue = keyring.queue(ACCOUNT, DEVICE)
  await keyring[Symbol.asyncDispose]()
  expect(() => keyring.seal(queue, 9, Buffer.alloc(1), 1, 'message')).toThrow(
    expect.objectContaining({ code: 'KEYRING_CLOSED' }),
  )
  expect(() => keyring.shred([message.id])).toThrow(expect.objectContaining({ code: 'KEYRING_CLOSED' }))
  await expect(keyring.synced()).rejects.toMatchObject({ code: 'KEYRING_CLOSED' })
})
