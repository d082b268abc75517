import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SyncThread } from './sync-thread.ts'

async function openFile(path?: string) {
  const directory = await mkdtemp(join(tmpdir(), 'sealpost-sync-'))
  const handle = await open(path ?? join(directory, 'file'), 'w')
  onTestFinished(async () => {
    await handle.close()
    await rm(directory, { recursive: true })
  })
  return handle
}

test('orders are carried out in turn, and each hears when', async () => {
  const handle = await openFile()
  await using thread = new SyncThread(handle.fd)
  const before = performance.now()
  const times: number[] = []
  for (let round = 0; round < 20; round++) {
    await handle.write('x')
    times.push(...(await Promise.all(Array.from({ length: 50 }, () => thread.sync()))))
  }
  expect(times).toHaveLength(1000)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  expect(times[0]).toBeGreaterThan(before)
  expect(times.at(-1)).toBeLessThanOrEqual(performance.now())
})

test('an order that comes while a sync is under way waits for the next', async () => {
  const handle = await openFile()
  await using thread = new SyncThread(handle.fd)
  await thread.sync()
  const orders: Promise<readonly [ordered: number, done: number]>[] = []
  for (let order = 0; order < 500; order++) {
    await handle.write('x')
    const ordered = performance.now()
    orders.push(thread.sync().then((done) => [ordered, done] as const))
  }
  for (const [ordered, done] of await Promise.all(orders)) expect(done).toBeGreaterThanOrEqual(ordered)
})

test('a sync that the system refuses rejects with its error, for all who share it', async () => {
  const handle = await openFile('/dev/null')
  await using thread = new SyncThread(handle.fd)
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => thread.sync()))
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'EINVAL' } })
})

test('ended, it forgets nobody, and a later order begins another thread', async () => {
  const handle = await openFile()
  const thread = new SyncThread(handle.fd)
  await thread.sync()
  const orders = Promise.allSettled([thread.sync(), thread.sync()])
  await thread[Symbol.asyncDispose]()
  expect((await orders).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(await thread.sync()).toBeLessThanOrEqual(performance.now())
  await thread[Symbol.asyncDispose]()
})
