import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryCrashes } from './store.memory.ts'
import { postgresCrashes } from './store.postgres.ts'
import { type CrashReport, type CrashStore, TRACES_MAX } from './store.ts'

const COUNTS = 4

async function openPostgres(stack: AsyncDisposableStack): Promise<CrashStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresCrashes(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })), COUNTS)
}

const report = (change: Partial<CrashReport> = {}): CrashReport => ({
  signature: 'ab'.repeat(16),
  day: '2030-01-01',
  application: 'client',
  version: '1.0',
  platform: 'Linux',
  title: 'It broke',
  trace: 'It broke\nat run',
  ...change,
})

describe.each([
  ['memory', async () => memoryCrashes(COUNTS)],
  ['postgres', openPostgres],
])('CrashStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: CrashStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('reports are counted by kind; some of each are kept whole, the newest', async () => {
    const { signature } = report()
    for (let count = 0; count < TRACES_MAX + 2; count++)
      expect(await store.add(report({ trace: `trace ${String(count)}` }))).toBe(true)
    await store.add(report({ day: '2030-01-03', version: '1.1' }))
    await store.add(report({ signature: 'cd'.repeat(16), title: 'Other' }))
    expect(await store.groups(9)).toEqual([
      {
        signature,
        title: 'It broke',
        count: TRACES_MAX + 3,
        firstOn: '2030-01-01',
        lastOn: '2030-01-03',
        applications: ['client 1.0', 'client 1.1'],
      },
      expect.objectContaining({ count: 1 }),
    ])
    const traces = await store.traces(signature)
    expect(traces).toHaveLength(TRACES_MAX)
    expect(traces[0]).toEqual({
      day: '2030-01-03',
      application: 'client',
      version: '1.1',
      platform: 'Linux',
      trace: 'It broke\nat run',
    })
    expect(traces.at(-1)?.trace).toBe('trace 3')
    expect(await store.traces('00'.repeat(16))).toEqual([])
  })

  test('kinds beyond the bound are dropped, known ones go on; old ones make room', async () => {
    expect(await store.add(report({ signature: 'ef'.repeat(16) }))).toBe(true)
    expect(await store.add(report({ signature: '01'.repeat(16) }))).toBe(false)
    expect(await store.add(report())).toBe(true)
    await store.erase('2030-01-02')
    expect((await store.groups(9)).map(({ lastOn }) => lastOn)).toEqual(['2030-01-03'])
    expect(await store.traces('cd'.repeat(16))).toEqual([])
    expect(await store.add(report({ signature: '01'.repeat(16) }))).toBe(true)
  })
})
