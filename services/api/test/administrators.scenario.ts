/** Administrators as the panel meets them: enrolment, sessions, proofs, and what nobody may. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VirtualClock } from '@sealpost/runtime'
import { appoint, cookieOf, ORIGIN, TestAdministrator } from './administrator.ts'
import { createTestApi, type TestApi } from './api.ts'

const clock = new VirtualClock()
let api: TestApi
let owner: TestAdministrator
beforeAll(async () => {
  api = await createTestApi({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())

const MINUTE_MS = 60_000
const problem = (type: string) => `urn:sealpost:problem:${type}`

describe('enrolment', () => {
  test('the first administrator follows the printed link, becomes owner, gets ten recovery codes and a session', async () => {
    owner = new TestAdministrator(api, 'Ada')
    const token = new URL(api.service.firstInvite ?? '').pathname.split('/').at(-1) ?? ''
    const enrolled = await owner.enrol(token)
    expect(enrolled).toMatchObject({ status: 200, json: { administrator: { name: 'Ada', role: 'owner' } } })
    expect(new Set(owner.recoveryCodes).size).toBe(10)
    const [cookie] = enrolled.headers['set-cookie'] ?? []
    expect(cookie).toMatch(/^__Host-session=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/)
    expect((await owner.call('GET', '/v1/session')).json).toEqual({
      administrator: { id: owner.id, name: 'Ada', role: 'owner', permissions: ['*'] },
      csrf: owner.session.csrf,
      proved_until: new Date(clock.now() + 5 * MINUTE_MS).toISOString(),
    })
    expect((await new TestAdministrator(api, 'Eve').enrol(token)).json['type']).toBe(problem('invite-gone'))
    await using restarted = await api.again()
    expect(restarted.firstInvite).toBeUndefined()
  })
})

describe('a session', () => {
  test('begins with a passkey, and ends at once when signed out', async () => {
    expect(await owner.signIn()).toMatchObject({ status: 200 })
    expect((await owner.call('GET', '/v1/accounts')).status).toBe(200)
    const out = await owner.call('DELETE', '/v1/session')
    expect([out.status, cookieOf(out)]).toEqual([200, '__Host-session='])
    expect((await owner.call('GET', '/v1/session')).json['type']).toBe(problem('session-over'))
  })

  test('needs the token and the origin of a page of ours for whatever changes something', async () => {
    await owner.signIn()
    const { cookie, csrf } = owner.session
    const post = (headers: Record<string, string>) =>
      api.call('POST', '/v1/accounts', {
        body: { jid: 'forged@example.org' },
        headers: { cookie, ...headers },
      })
    const types = await Promise.all(
      [
        {},
        { 'x-csrf-token': csrf },
        { origin: ORIGIN },
        { origin: ORIGIN, 'x-csrf-token': `${csrf.slice(1)}A` },
        { origin: 'https://example.org', 'x-csrf-token': csrf },
        { origin: 'null', 'x-csrf-token': csrf },
      ].map(async (headers) => (await post(headers)).json['type']),
    )
    const [origin, token] = [problem('origin-refused'), problem('csrf-token-refused')]
    expect(types).toEqual([origin, origin, token, token, origin, origin])
    expect((await post({ origin: ORIGIN, 'x-csrf-token': csrf })).status).toBe(201)
  })
})

test('an administrator may do what the role allows', async () => {
  const auditor = await appoint(api, 'Audrey', 'auditor')
  expect((await auditor.call('GET', '/v1/administrators')).status).toBe(200)
  expect((await auditor.call('POST', '/v1/accounts', { jid: 'x@example.org' })).json['type']).toBe(
    problem('scope-missing'),
  )
})
