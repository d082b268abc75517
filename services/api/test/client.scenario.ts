/** The typed client, as others use it: over a real socket, with the types that are generated from the registry. */
import { createApiClient } from '@sealpost/api-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
})
afterAll(() => api[Symbol.asyncDispose]())

describe('packages/api-client', () => {
  test('creates, lists and shows accounts with what the types say', async () => {
    const client = createApiClient({
      origin: api.origin,
      key: await api.key('accounts:read', 'accounts:write'),
    })
    const made = await client.POST('/v1/accounts', { body: { jid: 'ada@example.org' } })
    expect(made.data?.state).toBe('active')
    expect(made.data?.enrolment?.token).toMatch(/^[\w-]{20,}$/)
    const page = await client.GET('/v1/accounts', { params: { query: { limit: 1, state: 'active' } } })
    expect(page.data?.items.map(({ jid }) => jid)).toEqual(['ada@example.org'])
    const one = await client.GET('/v1/accounts/{jid}', { params: { path: { jid: 'ada@example.org' } } })
    expect(one.data?.id).toBe(made.data?.id)
  })

  test('a refusal is a problem with its type, not an exception', async () => {
    const client = createApiClient({ origin: api.origin, key: await api.key('accounts:read') })
    const { data, error, response } = await client.POST('/v1/accounts', { body: { jid: 'eve@example.org' } })
    expect([response.status, data]).toEqual([403, undefined])
    expect(error?.type).toBe('urn:sealpost:problem:scope-missing')
  })

  test('the types refuse what the schemas refuse', async () => {
    const client = createApiClient({ origin: api.origin, key: await api.key('accounts:read') })
    // @ts-expect-error no such state
    const { response } = await client.GET('/v1/accounts', { params: { query: { state: 'asleep' } } })
    expect(response.status).toBe(400)
  })
})
