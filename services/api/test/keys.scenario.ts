/** Single certificates of the key directory: found by what one knows, taken off with a reason, readmitted; all of it in the audit log. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

const ONE = 'A'.repeat(40)
const OTHER = 'B'.repeat(64)
const CERTIFICATE = {
  algorithm: 'ed25519',
  createdOn: '2026-01-02',
  expiresOn: '2028-01-02',
  revoked: false,
  published: ['ann@example.org'],
  suspended: [],
}

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
  api.keys.known = [{ fingerprint: ONE, removed: false, certificate: CERTIFICATE }]
})
afterAll(() => api[Symbol.asyncDispose]())

const find = (search: string) => api.owner('GET', `/v1/keys?search=${encodeURIComponent(search)}`)

test('an address, a fingerprint and a long key id are searched for, in any form', async () => {
  const { status, json } = await find('ann@example.org')
  expect(status).toBe(200)
  expect(json['items']).toEqual([
    {
      fingerprint: ONE,
      state: 'published',
      algorithm: 'ed25519',
      created_on: '2026-01-02',
      expires_on: '2028-01-02',
      published: ['ann@example.org'],
      suspended: [],
    },
  ])
  await find(`0x${ONE.toLowerCase()}`)
  await find('AAAA AAAA AAAA AAAA')
  expect(api.keys.asked).toEqual([
    { kind: 'address', value: 'ann@example.org' },
    { kind: 'fingerprint', value: ONE },
    { kind: 'key-id', value: 'A'.repeat(16) },
  ])
})

test.each(['ann', 'AAAAAAAA', '@@@', 'a b@example.org', 'Z'.repeat(40)])(
  'nothing is searched for by %s: nobody lists the directory',
  async (search) => {
    const { status, json } = await find(search)
    expect([status, json['type']]).toEqual([400, 'urn:sealpost:problem:search-malformed'])
  },
)

test.each([
  ['removed', { fingerprint: OTHER, removed: true, certificate: undefined }],
  ['revoked', { fingerprint: ONE, removed: false, certificate: { ...CERTIFICATE, revoked: true } }],
  [
    'suspended',
    {
      fingerprint: ONE,
      removed: false,
      certificate: { ...CERTIFICATE, published: [], suspended: ['a@b.c'] },
    },
  ],
  ['unpublished', { fingerprint: ONE, removed: false, certificate: { ...CERTIFICATE, published: [] } }],
] as const)('%s is a state of its own', async (state, known) => {
  api.keys.known = [known]
  const { json } = await find(known.fingerprint)
  expect(json['items']).toMatchObject([{ fingerprint: known.fingerprint, state }])
})

test('what is taken off and readmitted is in the audit log, under its fingerprint', async () => {
  const remove = await api.owner('POST', `/v1/keys/${OTHER}/remove`)
  expect([remove.status, remove.json]).toEqual([200, { removed: false }])
  expect((await api.owner('POST', `/v1/keys/${OTHER}/readmit`)).status).toBe(200)
  expect(api.keys.changed).toEqual([
    [OTHER, 'remove'],
    [OTHER, 'readmit'],
  ])
  const { json } = await api.owner('GET', `/v1/audit?target=${OTHER}`)
  const actions = (json['items'] as { action: string; phase: string }[]).map(({ action }) => action)
  expect(new Set(actions)).toEqual(new Set(['key.remove', 'key.readmit']))
  expect((await api.owner('POST', `/v1/keys/${OTHER.toLowerCase()}/remove`)).status).toBe(400)
})
