import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDb } from '@sealpost/db'
import { systemRandom } from '@sealpost/runtime'
import { createMigratedDatabase } from '../../../../test/database.ts'
import { memoryWebhooks } from './store.memory.ts'
import { postgresWebhooks } from './store.postgres.ts'
import type { WebhookEndpoint, WebhookEvent, WebhookStore } from './store.ts'

async function openPostgres(stack: AsyncDisposableStack): Promise<WebhookStore> {
  const { url } = stack.use(await createMigratedDatabase())
  return postgresWebhooks(stack.use(await openDb({ url, role: 'sealpost_api', poolSize: 4 })))
}

const uuid = (): string => systemRandom.uuid()

function endpoint(change: Partial<WebhookEndpoint> = {}): WebhookEndpoint {
  return {
    id: uuid(),
    url: 'https://hooks.example.org/',
    label: '',
    events: ['*'],
    secretVersion: 1,
    previousUntil: undefined,
    disabled: undefined,
    createdOn: '2030-01-01',
    deliveredOn: undefined,
    failingSince: undefined,
    ...change,
  }
}

function event(change: Partial<WebhookEvent> = {}): WebhookEvent {
  return {
    id: uuid(),
    type: 'account.suspended',
    data: '{"reason":"spam"}',
    createdAt: 1_000,
    accountId: undefined,
    ...change,
  }
}

describe.each([
  ['memory', async () => memoryWebhooks()],
  ['postgres', openPostgres],
])('WebhookStore (%s)', (_name, open) => {
  const stack = new AsyncDisposableStack()
  let store: WebhookStore
  beforeAll(async () => {
    store = await open(stack)
  })
  afterAll(() => stack.disposeAsync())

  const add = async (change?: Partial<WebhookEndpoint>): Promise<WebhookEndpoint> => {
    const made = endpoint(change)
    expect(await store.addEndpoint(made, 50)).toBe(true)
    return made
  }
  const emit = async (to: WebhookEndpoint, change?: Partial<WebhookEvent>): Promise<string> => {
    const id = uuid()
    await store.addEvent(event(change), [{ id, endpointId: to.id }])
    return id
  }

  test('endpoints are kept, changed, bounded and removed', async () => {
    const made = await add({ label: 'billing', events: ['account.*'] })
    expect(await store.endpoint(made.id)).toEqual(made)
    expect(await store.addEndpoint(endpoint(), (await store.endpoints()).length)).toBe(false)
    const changed = await store.changeEndpoint(made.id, { secretVersion: 2, previousUntil: 5_000 })
    expect(changed).toEqual({ ...made, secretVersion: 2, previousUntil: 5_000 })
    expect((await store.changeEndpoint(made.id, { disabled: 'gone' }))?.disabled).toBe('gone')
    expect((await store.changeEndpoint(made.id, { disabled: undefined }))?.disabled).toBeUndefined()
    expect(await store.changeEndpoint(uuid(), { label: 'x' })).toBeUndefined()
    await emit(made)
    expect(await store.removeEndpoint(made.id)).toBe(true)
    expect(await store.deliveries({ endpointId: made.id, limit: 10 })).toEqual([])
    expect(await store.removeEndpoint(made.id)).toBe(false)
  })

  test('what is due is claimed by one only, and by another when the lease has ended', async () => {
    const to = await add()
    await emit(to)
    expect(await store.due(999)).not.toContain(to.id)
    expect(await store.due(1_000)).toContain(to.id)
    const claims = await Promise.all([1, 2, 3].map(() => store.claim(to.id, 1, 1_000, 61_000)))
    expect(claims.flat()).toHaveLength(1)
    expect(await store.claim(to.id, 1, 60_999, 90_000)).toEqual([])
    expect(await store.claim(to.id, 1, 61_000, 90_000)).toHaveLength(1)
    await store.removeEndpoint(to.id)
  })

  test('a delivery that arrived is forgotten, and the endpoint works', async () => {
    const to = await add()
    await emit(to)
    const [delivery] = await store.claim(to.id, 1, 1_000, 2_000)
    expect(delivery).toBeDefined()
    if (delivery === undefined) return
    await store.failed(delivery, 'status-500', 1_500, 9_000)
    expect((await store.endpoint(to.id))?.failingSince).toBe(1_500)
    expect(await store.delivery(delivery.id)).toMatchObject({
      attempts: 1,
      outcome: 'status-500',
      nextAt: 9_000,
    })
    await store.delivered(delivery, '2030-02-03')
    expect(await store.delivery(delivery.id)).toBeUndefined()
    expect(await store.endpoint(to.id)).toMatchObject({ deliveredOn: '2030-02-03', failingSince: undefined })
  })

  test('what was given up waits again when told, one or all', async () => {
    const to = await add()
    const ids = [await emit(to), await emit(to)]
    await store.giveUp(to.id, 4_000)
    expect(await store.due(1e9)).not.toContain(to.id)
    expect((await store.deliveries({ endpointId: to.id, state: 'dead', limit: 10 })).length).toBe(2)
    expect(await store.redeliver({ id: ids[0] ?? '' }, 5_000)).toBe(1)
    expect(await store.delivery(ids[0] ?? '')).toMatchObject({ state: 'waiting', attempts: 0, nextAt: 5_000 })
    expect(await store.redeliver({ endpointId: to.id }, 6_000)).toBe(1)
    expect(await store.waiting(to.id)).toBe(2)
    await store.giveUp(to.id, 7_000)
    await store.eraseDead(7_000)
    expect((await store.deliveries({ endpointId: to.id, limit: 10 })).length).toBe(2)
    await store.eraseDead(7_001)
    expect(await store.deliveries({ endpointId: to.id, limit: 10 })).toEqual([])
  })

  test('an event under the same id is one; pages go on where they ended', async () => {
    const to = await add()
    const same = event()
    await store.addEvent(same, [{ id: uuid(), endpointId: to.id }])
    await store.addEvent(same, [{ id: uuid(), endpointId: to.id }])
    expect(await store.waiting(to.id)).toBe(1)
    await emit(to)
    const [first] = await store.deliveries({ endpointId: to.id, limit: 1 })
    const rest = await store.deliveries({ endpointId: to.id, limit: 5, after: first?.id })
    expect(rest.map(({ id }) => id)).toHaveLength(1)
    expect(rest[0]?.id).not.toBe(first?.id)
    await store.addEvent(event(), [{ id: uuid(), endpointId: uuid() }]) // an endpoint that was just removed
    await store.removeEndpoint(to.id)
  })

  test('erasing an account leaves nothing of it but that it was terminated', async () => {
    const to = await add()
    const accountId = uuid()
    await emit(to, { accountId })
    const told = await emit(to, { accountId, type: 'account.terminated' })
    const other = await emit(to, { accountId: uuid() })
    await store.eraseAccount(accountId)
    const left = await store.deliveries({ endpointId: to.id, limit: 10 })
    expect(new Set(left.map(({ id }) => id))).toEqual(new Set([told, other]))
  })
})
