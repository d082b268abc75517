import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryApprovalStore } from './approval-store.memory.ts'
import { postgresApprovalStore } from './approval-store.postgres.ts'
import type { ApprovalRow, ApprovalStore } from './approval-store.ts'

const NOW = Date.UTC(2030, 0, 1)
const id = () => systemRandom.uuid()

async function openPostgres(stack: AsyncDisposableStack): Promise<ApprovalStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresApprovalStore(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 10 })))
}

function approval(overrides: Partial<ApprovalRow> = {}): ApprovalRow {
  return {
    id: id(),
    action: 'admin.remove',
    target: { kind: 'id', id: id() },
    details: '{}',
    reason: 'left',
    requestHash: systemRandom.bytes(32),
    requester: { kind: 'administrator', id: id() },
    askedBy: id(),
    organisationId: undefined,
    state: 'open',
    decidedBy: undefined,
    askedAt: NOW,
    expiresAt: NOW + 1_000,
    ...overrides,
  }
}

describe.each([
  ['memory', async () => memoryApprovalStore()],
  ['postgres', openPostgres],
])('ApprovalStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: ApprovalStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  test('who asks ten times at once for the same has asked once; and not for too much', async () => {
    const row = approval({ target: undefined, reason: undefined, askedBy: undefined })
    const asked = await Promise.all(Array.from({ length: 10 }, () => store.ask({ ...row, id: id() }, 2)))
    expect(new Set(asked.map((each) => each?.id)).size).toBe(1)
    const { requester } = row
    const more = await Promise.all(Array.from({ length: 10 }, () => store.ask(approval({ requester }), 2)))
    expect(more.filter(Boolean)).toHaveLength(1)
    expect(
      await store.ask(approval({ requester, askedAt: NOW + 1_000, expiresAt: NOW + 2_000 }), 1),
    ).toBeDefined()
  })

  test('of ten who decide at once one does, of ten who use it one does, each in time', async () => {
    const row = approval()
    await store.ask(row, 9)
    const [by, other] = [id(), id()]
    expect(await store.use(row.id, row.requester.id, row.requestHash, NOW), 'open').toBe(false)
    expect(await store.decide(row.id, 'approved', by, NOW + 1_000), 'late').toBeUndefined()
    const decided = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        store.decide(row.id, index % 2 === 0 ? 'approved' : 'refused', by, NOW),
      ),
    )
    expect(decided.filter(Boolean)).toHaveLength(1)
    const good = approval()
    await store.ask(good, 9)
    expect(await store.decide(good.id, 'approved', undefined, NOW)).toEqual({ ...good, state: 'approved' })
    const wrong = await Promise.all([
      store.use(good.id, other, good.requestHash, NOW),
      store.use(good.id, good.requester.id, systemRandom.bytes(32), NOW),
      store.use(good.id, good.requester.id, good.requestHash, NOW + 1_000),
    ])
    expect(wrong).toEqual([false, false, false])
    const used = await Promise.all(
      Array.from({ length: 10 }, () => store.use(good.id, good.requester.id, good.requestHash, NOW)),
    )
    expect(used.filter(Boolean)).toHaveLength(1)
    expect((await store.find(good.id, NOW))?.state).toBe('used')
  })

  test('are listed the newest first, by organisation and state, a page at a time', async () => {
    const organisationId = id()
    const rows = [0, 1, 2].map((offset) => approval({ organisationId, askedAt: NOW + offset }))
    for (const row of rows) await store.ask(row, 9)
    const query = {
      before: undefined,
      limit: 2,
      state: undefined,
      organisationIds: [organisationId],
      now: NOW,
    }
    const first = await store.list(query)
    expect(first.map((row) => row.id)).toEqual([rows[2]?.id, rows[1]?.id])
    expect(await store.list({ ...query, before: first[1]?.id })).toEqual([rows[0]])
    expect(await store.list({ ...query, state: 'used' })).toEqual([])
    expect(await store.list({ ...query, now: NOW + 1_000 })).toEqual([])
  })
})
