/** Plans over REST: made, given to accounts, and what is refused. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
  await api.owner('POST', '/v1/accounts', { jid: 'ann@example.org' })
})
afterAll(() => api[Symbol.asyncDispose]())

const ANN = '/v1/accounts/ann%40example.org/plan'

test('a plan is made, given to an account, and cannot be removed while somebody has it', async () => {
  const limits = { messages_per_day: 5_000, mailbox_mib: 10_240 }
  expect((await api.owner('PUT', '/v1/plans/plus', limits)).json).toEqual({ name: 'plus', limits })
  expect((await api.owner('GET', ANN)).json).toEqual({ jid: 'ann@example.org', plan: 'default', limits: {} })
  expect((await api.owner('PUT', ANN, { plan: 'plus' })).json).toEqual({
    jid: 'ann@example.org',
    plan: 'plus',
    limits,
  })
  expect((await api.owner('GET', '/v1/plans')).json).toEqual({
    items: [{ name: 'plus', limits, accounts: 1 }],
  })
  expect((await api.owner('DELETE', '/v1/plans/plus')).status).toBe(409)
  await api.owner('PUT', ANN, { plan: 'default' })
  expect((await api.owner('DELETE', '/v1/plans/plus')).json).toEqual({ name: 'plus' })
})

test.each([
  ['an unknown limit', 'PUT', '/v1/plans/x', { price: 5 }, 400],
  ['a limit out of bounds', 'PUT', '/v1/plans/x', { mailbox_days: 31 }, 400],
  ['a limit that is no number', 'PUT', '/v1/plans/x', { mailbox_days: 'many' }, 400],
  ['a name that is taken', 'PUT', '/v1/plans/default', {}, 400],
  ['a plan that is none', 'DELETE', '/v1/plans/none', undefined, 404],
  ['a plan that is none, for an account', 'PUT', ANN, { plan: 'none' }, 404],
  ['an account that is none', 'PUT', '/v1/accounts/no%40example.org/plan', { plan: 'default' }, 404],
])('%s is refused', async (_what, method, path, body, status) => {
  expect((await api.owner(method, path, body)).status).toBe(status)
})

test('plans are seen with plans:read, made with plans:write, given with accounts:write', async () => {
  const key = await api.key('plans:read')
  expect((await api.call('GET', '/v1/plans', { key })).status).toBe(200)
  expect((await api.call('PUT', '/v1/plans/x', { key, body: {} })).status).toBe(403)
  expect(
    (await api.call('PUT', ANN, { key: await api.key('plans:write'), body: { plan: 'x' } })).status,
  ).toBe(403)
})
