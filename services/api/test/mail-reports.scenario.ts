/** What others report about our domains, and the records that ask them to, over REST; the mail relay has them. */
import type { ReportedDay } from '@sealpost/ports'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

const REPORT: ReportedDay = {
  kind: 'tls',
  domain: 'example.org',
  day: '2030-01-01',
  reporter: 'example.com',
  results: [
    { result: 'success', count: 5 },
    { result: 'certificate-expired', count: 1 },
  ],
}

let api: TestApi
beforeAll(async () => {
  api = await createTestApi()
  api.reports.items = [REPORT]
})
afterAll(() => api[Symbol.asyncDispose]())

test('reports of the last days are listed, of one domain if told', async () => {
  expect((await api.owner('GET', '/v1/mail-reports')).json).toEqual({ items: [REPORT] })
  expect((await api.owner('GET', '/v1/mail-reports?domain=EXAMPLE.org&days=90')).json).toEqual({
    items: [REPORT],
  })
  expect(api.reports.asked).toEqual([
    [7, undefined],
    [90, 'example.org'],
  ])
})

test('of other domains there are none, nor of more days; looking needs mail:read', async () => {
  expect((await api.owner('GET', '/v1/mail-reports?domain=example.com')).status).toBe(404)
  expect((await api.owner('GET', '/v1/mail-reports?days=91')).status).toBe(400)
  const key = await api.key('domains:read')
  expect((await api.call('GET', '/v1/mail-reports', { key })).status).toBe(403)
})

test('the records that a domain needs for mail: keys, and where reports go (RFC 9989 §4.7, RFC 8460 §3)', async () => {
  const key = { name: 'x._domainkey.example.org', record: 'v=DKIM1; p=AAAA' }
  api.dkim.keys = [
    { ...key, selector: 'x', algorithm: 'rsa', state: 'active', since: '2030-01-01', published: 'no' },
  ]
  expect((await api.owner('GET', '/v1/domains/example.org/records')).json).toEqual({
    items: [
      key,
      { name: '_dmarc.example.org', record: 'v=DMARC1; p=none; rua=mailto:dmarc-reports@example.org' },
      { name: '_smtp._tls.example.org', record: 'v=TLSRPTv1; rua=mailto:tls-reports@example.org' },
    ],
  })
  expect((await api.owner('GET', '/v1/domains/example.com/records')).status).toBe(404)
})
