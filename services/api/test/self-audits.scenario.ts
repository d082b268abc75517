/** Self-audits through the API and `ctl`: shown, begun, on record. */
import { VirtualClock } from '@sealpost/runtime'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestApi, type TestApi } from './api.ts'

const AT = Date.UTC(2030, 0, 2, 3)
let api: TestApi
const clock = new VirtualClock()

beforeAll(async () => {
  api = await createTestApi({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())
beforeEach(() => {
  for (const audits of Object.values(api.selfAudits)) {
    audits.away = false
    audits.now = { possible: true, running: false, last: undefined }
  }
})

test('each is shown with its last result and what is yet to be destroyed; a service that is away is', async () => {
  const { messages, mails } = api.selfAudits
  api.metrics.watched('shred_oldest_pending_seconds', 'x', { keyring: 'xmpp' }, () => 4)
  await clock.advance(60_000)
  messages.now = { possible: true, running: true, last: { at: AT, result: 'powerless' } }
  mails.away = true
  await expect
    .poll(async () => (await api.owner('GET', '/v1/self-audits')).json)
    .toEqual({
      items: [
        {
          of: 'messages',
          state: 'running',
          last: { at: new Date(AT).toISOString(), result: 'powerless' },
          pending_seconds: 4,
        },
        { of: 'mails', state: 'away' },
      ],
    })
})

test('begun by who may, on record; not while both are under way or know no files', async () => {
  const { messages, mails } = api.selfAudits
  const reader = await api.key('status:read')
  expect((await api.call('POST', '/v1/self-audits', { key: reader })).status).toBe(403)
  mails.now = { possible: false, running: false, last: undefined }
  const begun = await api.owner('POST', '/v1/self-audits')
  expect(begun.json['items']).toMatchObject([
    { of: 'messages', state: 'running' },
    { of: 'mails', state: 'impossible' },
  ])
  expect([messages.begun, mails.begun]).toEqual([1, 0])
  const { json } = await api.owner('GET', '/v1/audit?action=self-audit.run')
  expect(json['items']).not.toHaveLength(0)
  expect(await api.owner('POST', '/v1/self-audits')).toMatchObject({
    status: 409,
    json: { type: 'urn:sealpost:problem:self-audit-impossible' },
  })
})
