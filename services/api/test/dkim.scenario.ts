/** The keys that sign mail, over REST; the mail relay has them. */
import type { DkimKeyListing } from '@sealpost/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

const KEY: DkimKeyListing = {
  selector: 'e20300101',
  algorithm: 'ed25519',
  state: 'active',
  since: '2030-01-01',
  name: 'e20300101._domainkey.example.org',
  record: 'v=DKIM1; h=sha256; k=ed25519; p=AAAA',
  published: 'no',
}

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
  api.dkim.keys = [KEY]
})
afterAll(() => api[Symbol.asyncDispose]())

test('the keys of a domain are listed with their records, and followed by the next', async () => {
  expect((await api.owner('GET', '/v1/domains/example.org/dkim')).json).toEqual({ items: [KEY] })
  expect((await api.owner('POST', '/v1/domains/EXAMPLE.org/dkim')).json).toEqual({ items: [KEY] })
  expect(api.dkim.rotated).toEqual(['example.org'])
})

test('of other domains there are none; looking needs domains:read, the next keys domains:write', async () => {
  expect((await api.owner('GET', '/v1/domains/example.com/dkim')).status).toBe(404)
  const key = await api.key('domains:read')
  expect((await api.call('GET', '/v1/domains/example.org/dkim', { key })).status).toBe(200)
  expect((await api.call('POST', '/v1/domains/example.org/dkim', { key })).status).toBe(403)
})
