/** Owners of accounts: sessions on their page, their password, app passwords, signing out everywhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VirtualClock } from '@sealpost/runtime'
import { commands } from '../src/commands/index.ts'
import { appoint, somewhere } from './administrator.ts'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'

const ORIGIN = 'https://example.org:8443'
const clock = new VirtualClock(Date.parse('2026-03-01T12:00:00Z'))
let api: TestApi
beforeAll(async () => {
  api = await createTestApi({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())

const problem = (type: string) => ({ type: `urn:sealpost:problem:${type}` })

async function account(name: string): Promise<string> {
  const jid = `${name}@example.org`
  await api.owner('POST', '/v1/accounts', { jid, password: 'own' })
  return jid
}

interface Page {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  readonly csrf: string
  readonly cookie: string
}

async function signIn(jid: string, password = 'own'): Promise<Page> {
  const headers = somewhere()
  const answer = await api.call('POST', '/v1/account-session', { body: { jid, password }, headers })
  expect(answer.status).toBe(201)
  const cookie = String(answer.headers['set-cookie']?.[0]).split(';')[0] ?? ''
  const csrf = String(answer.json['csrf'])
  return {
    csrf,
    cookie,
    call: (method, path, body, shown = { origin: ORIGIN, 'x-csrf-token': csrf }) =>
      api.call(method, path, { body, headers: { cookie, ...shown } }),
  }
}

const makeAppPassword = (page: Page, scopes: string[] = ['api']) =>
  page.call('POST', '/v1/me/app-passwords', { name: 'Phone', scopes, old_password: 'own' })

describe('a session on the page of an account', () => {
  test('is a cookie that no script reads, and opens what the account may ask', async () => {
    const jid = await account('ann')
    const begun = await api.call('POST', '/v1/account-session', { body: { jid, password: 'own' } })
    expect(begun.headers['set-cookie']?.[0]).toMatch(
      /^__Host-account=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
    const page = await signIn(jid)
    const shown = await page.call('GET', '/v1/account-session')
    expect(shown.json).toMatchObject({ account: { jid }, csrf: page.csrf })
    expect((await page.call('GET', '/v1/me')).json).toMatchObject({ jid })
    expect((await page.call('DELETE', '/v1/account-session')).status).toBe(200)
    expect(await page.call('GET', '/v1/me')).toMatchObject({ status: 401, json: problem('session-over') })
  })

  test('is asked for without the dialog of the browser, which programs are challenged with', async () => {
    const challenged = async (headers: Record<string, string>) =>
      (await api.call('GET', '/v1/account-session', { headers })).headers['www-authenticate']
    expect(await challenged({})).toBe('Basic realm="Sealpost", charset="UTF-8"')
    expect(await challenged({ 'sec-fetch-dest': 'document' })).toMatch(/^Basic /)
    expect(await challenged({ 'sec-fetch-dest': 'empty' })).toBe('Form realm="Sealpost"')
  })

  test('changes nothing for pages of others', async () => {
    const page = await signIn(await account('bea'))
    for (const headers of [
      {},
      { origin: ORIGIN },
      { origin: ORIGIN, 'x-csrf-token': `${page.csrf.slice(1)}A` },
      { origin: 'https://evil.example', 'x-csrf-token': page.csrf },
      { 'x-csrf-token': page.csrf },
    ] as Record<string, string>[])
      expect((await page.call('POST', '/v1/me/sign-out', {}, headers)).status).toBe(403)
    expect((await page.call('GET', '/v1/me')).status).toBe(200)
    const signedIn = basic('bea@example.org', 'own')
    for (const origin of ['https://evil.example', 'null', 'http://example.org:8443']) {
      const answer = await api.call('POST', '/v1/me/sign-out', { headers: { ...signedIn, origin } })
      expect(answer).toMatchObject({ status: 403, json: problem('origin-refused') })
    }
    expect((await page.call('GET', '/v1/me')).status).toBe(200)
    const body = { jid: 'bea@example.org', password: 'own' }
    const foreign = { body, headers: { origin: 'https://evil.example' } }
    expect((await api.call('POST', '/v1/account-session', foreign)).status).toBe(403)
  })

  test('is held at the host of an organisation, too, for its own pages only', async () => {
    const page = await signIn(await account('host'))
    const host = 'mail.etoile.example'
    const from = (origin: string) => ({ host, origin, 'x-csrf-token': page.csrf })
    const lift = (origin: string) => page.call('POST', '/v1/me/app-passwords', {}, from(origin))
    expect(await lift(`https://${host}`)).toMatchObject({ status: 400, json: problem('validation') })
    expect((await lift(ORIGIN)).status).toBe(400)
    for (const origin of [`http://${host}`, `https://${host}:444`, 'https://evil.example', 'null'])
      expect(await lift(origin)).toMatchObject({ status: 403, json: problem('origin-refused') })
  })

  test('is over at rest, in the end, and with the account', async () => {
    const jid = await account('cal')
    const resting = await signIn(jid)
    await clock.advance(29 * 60_000)
    expect((await resting.call('GET', '/v1/me')).status).toBe(200)
    await clock.advance(30 * 60_000)
    expect((await resting.call('GET', '/v1/me')).status).toBe(401)
    const busy = await signIn(jid)
    for (let i = 0; i < 35; i++) {
      await clock.advance(20 * 60_000)
      expect((await busy.call('GET', '/v1/me')).status).toBe(200)
    }
    await clock.advance(20 * 60_000)
    expect((await busy.call('GET', '/v1/me')).status).toBe(401)
    const page = await signIn(jid)
    await api.owner('POST', `/v1/accounts/${jid}/suspend`)
    expect(await page.call('GET', '/v1/me')).toMatchObject({
      status: 403,
      json: problem('account-suspended'),
    })
    await api.owner('POST', `/v1/accounts/${jid}/terminate`)
    expect((await page.call('GET', '/v1/me')).status).toBe(401)
  })

  test('begins with the account’s own password; wrong, unknown and app passwords are answered alike', async () => {
    const jid = await account('dee')
    const app = (await makeAppPassword(await signIn(jid))).json
    const answers = await Promise.all(
      [
        { jid, password: 'wrong' },
        { jid: 'nobody@example.org', password: 'own' },
        { jid: String(app['login']), password: String(app['password']) },
      ].map((body) => api.call('POST', '/v1/account-session', { body })),
    )
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  })
})

describe('a password', () => {
  test('is changed by whoever knows it; this session goes on, the others end', async () => {
    const jid = await account('eve')
    const [page, other] = [await signIn(jid), await signIn(jid)]
    const change = (body: object) => page.call('PUT', '/v1/me/password', { password: 'new', ...body })
    expect(await change({})).toMatchObject({ status: 403, json: problem('proof-needed') })
    expect(await change({ old_password: 'x' })).toMatchObject({ status: 403, json: problem('proof-refused') })
    expect((await change({ old_password: 'own' })).status).toBe(200)
    expect((await page.call('GET', '/v1/me')).status).toBe(200)
    expect((await other.call('GET', '/v1/me')).status).toBe(401)
    expect((await api.call('GET', '/v1/me', { headers: basic(jid, 'own') })).status).toBe(401)
    const byBasic = { body: { password: 'newer', sign_out: false }, headers: basic(jid, 'new') }
    expect((await api.call('PUT', '/v1/me/password', byBasic)).status).toBe(200)
    expect((await page.call('GET', '/v1/me')).status).toBe(200)
    const told = (await page.call('GET', '/v1/me/notices')).json['items'] as { title: string; body: string }[]
    expect(told.map(({ title }) => title)).toEqual(['Your password was changed', 'Your password was changed'])
    expect(told.filter(({ body }) => body.includes('was signed out'))).toHaveLength(1) // both of one moment, in any order
  })

  test.each(['API', 'page'])(
    'reset by a link (%s): every session is over, and the owner is told',
    async (by) => {
      const jid = await account(`reset-${by.toLowerCase()}`)
      const page = await signIn(jid)
      const { token, url } = (await api.owner('POST', `/v1/accounts/${jid}/enrolment`)).json
      const used =
        by === 'API'
          ? await api.call('POST', '/v1/invites/redeem', { body: { token, password: 'new' } })
          : await api.call('POST', new URL(String(url)).pathname, {
              body: 'password=new&repeated=new',
              headers: { 'content-type': 'application/x-www-form-urlencoded' },
            })
      expect(used.status).toBe(200)
      expect((await page.call('GET', '/v1/me')).status).toBe(401)
      const again = await signIn(jid, 'new')
      const { items } = (await again.call('GET', '/v1/me/notices')).json as { items: { body: string }[] }
      expect(items.map(({ body }) => body)).toEqual([expect.stringContaining('with a one-time link')])
    },
  )

  test('chosen for the first time, it is no change that anybody is told of', async () => {
    const { token } = (
      (await api.owner('POST', '/v1/accounts', { jid: 'newcomer@example.org' })).json as {
        enrolment: { token: string }
      }
    ).enrolment
    await api.call('POST', '/v1/invites/redeem', { body: { token, password: 'own' } })
    const page = await signIn('newcomer@example.org')
    expect((await page.call('GET', '/v1/me/notices')).json).toEqual({ items: [] })
  })
})

describe('app passwords', () => {
  test('are made, listed and revoked by the account’s own password only', async () => {
    const jid = await account('fox')
    const page = await signIn(jid)
    const unproven = await page.call('POST', '/v1/me/app-passwords', { name: 'Phone', scopes: ['chat'] })
    expect(unproven).toMatchObject({ status: 403, json: problem('proof-needed') })
    const made = await makeAppPassword(page, ['chat', 'api'])
    expect(made).toMatchObject({ status: 201, json: { name: 'Phone', scopes: ['chat', 'api'] } })
    const { id, login, password } = made.json
    expect(login).toMatch(/^fox\+[b-z][b-z2-9]{7}@example\.org$/)
    const listed = await page.call('GET', '/v1/me/app-passwords')
    expect(listed.json).toMatchObject({ items: [{ id, name: 'Phone', created_on: '2026-03-02' }] })
    expect(listed.text).not.toContain(String(password))
    const headers = basic(String(login), String(password))
    for (const path of ['/v1/me/export', '/v1/me/app-passwords', '/v1/account-session'])
      expect(await api.call('GET', path, { headers })).toMatchObject({
        status: 403,
        json: problem('own-password-needed'),
      })
    expect((await api.call('GET', '/v1/me', { headers })).json).toMatchObject({ jid })
    expect((await page.call('DELETE', `/v1/me/app-passwords/${String(id)}`)).status).toBe(200)
    expect((await page.call('DELETE', `/v1/me/app-passwords/${String(id)}`)).status).toBe(404)
    expect(
      (await api.call('GET', '/v1/me', { headers: basic(String(login), String(password)) })).status,
    ).toBe(401)
  })

  test.each([
    [{ name: '', scopes: ['chat'] }, 400],
    [{ name: 'x'.repeat(65), scopes: ['chat'] }, 400],
    [{ name: 'Phone', scopes: [] }, 400],
    [{ name: 'Phone', scopes: ['all'] }, 400],
    [{ name: 'Phone', scopes: ['chat', 'chat'] }, 400],
    [{ name: 'a\u0000b', scopes: ['chat'] }, 422],
    [{ name: 'Phone', scopes: ['chat'], verifiers: [] }, 422],
  ])('%j is refused with %i', async (body, status) => {
    await account('gil')
    const headers = basic('gil', 'own')
    expect((await api.call('POST', '/v1/me/app-passwords', { body, headers })).status).toBe(status)
  })
})

describe('an app password of scope api', () => {
  test('opens what programs may do and nothing else, whatever is added; one for chat opens nothing of it', async () => {
    const page = await signIn(await account('ivy'))
    const headersOf = async (scope: string) => {
      const { login, password } = (await makeAppPassword(page, [scope])).json
      return basic(String(login), String(password))
    }
    const [program, chat] = [await headersOf('api'), await headersOf('chat')]
    for (const command of commands.filter(({ access }) => access === 'account')) {
      const path = command.path.replaceAll(/:\w+/g, '00000000-0000-4000-8000-000000000000')
      // Who may ask is found out before the body is read, so half of one does nothing.
      const half = { 'content-type': 'application/json', 'content-length': '1' }
      const ask = (headers: Record<string, string>) =>
        command.method === 'GET'
          ? api.call('GET', path, { headers })
          : api.call(command.method, path, { headers: { ...headers, ...half }, body: '{' })
      const answer = await ask(program)
      const refused = answer.status === 403 && answer.text.includes('own-password-needed')
      expect([command.name, refused]).toEqual([command.name, command.byProgram !== true])
      expect([command.name, (await ask(chat)).status]).toEqual([command.name, 401])
    }
    expect(
      commands
        .filter(({ byProgram }) => byProgram === true)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual([
      'me.bind-device',
      'me.claim-credit',
      'me.credit-claims',
      'me.device-type',
      'me.devices',
      'me.notices',
      'me.policies',
      'me.privacy-requests',
      'me.rename-device',
      'me.report-abuse',
      'me.show',
      'me.subscription',
      'turn.show',
    ])
  })

  test('proves nothing: where the password is asked for again, it is not enough', async () => {
    const jid = await account('jon')
    const { login, password } = (await makeAppPassword(await signIn(jid))).json
    const headers = basic(String(login), String(password))
    const change = { body: { password: 'new', old_password: String(password) }, headers }
    expect((await api.call('PUT', '/v1/me/password', change)).status).toBe(403)
    await api.owner('POST', `/v1/accounts/${jid}/suspend`)
    expect((await api.call('GET', '/v1/me', { headers })).json).toMatchObject(problem('account-suspended'))
  })
})

describe('one’s sessions', () => {
  interface Listed {
    readonly id: string
    readonly current: boolean
  }
  const list = async (page: Page) =>
    (await page.call('GET', '/v1/me/sessions')).json['items'] as readonly Listed[]

  test('are listed singly, and one of them is ended', async () => {
    const jid = await account('mia')
    const lost = await signIn(jid)
    await clock.advance(60_000)
    const here = await signIn(jid)
    const listed = await list(here)
    expect(listed.map(({ current }) => current)).toEqual([true, false])
    expect(JSON.stringify(listed)).not.toContain(here.cookie.split('=')[1])
    const path = `/v1/me/sessions/${listed[1]?.id ?? ''}`
    expect((await here.call('DELETE', path)).json).toEqual({ id: listed[1]?.id })
    expect((await lost.call('GET', '/v1/me')).status).toBe(401)
    expect((await here.call('GET', '/v1/me')).status).toBe(200)
    expect((await here.call('DELETE', path)).json).toMatchObject(problem('session-unknown'))
    expect(await list(here)).toHaveLength(1)
  })

  test('are nobody else’s to see or to end', async () => {
    const [mine, theirs] = [await signIn(await account('noa')), await signIn(await account('ole'))]
    const [id] = (await list(theirs)).map((each) => each.id)
    expect((await list(mine)).map((each) => each.id)).not.toContain(id)
    expect((await mine.call('DELETE', `/v1/me/sessions/${id ?? ''}`)).status).toBe(404)
    expect((await theirs.call('GET', '/v1/me')).status).toBe(200)
  })

  test('that signing out everywhere has ended are not listed', async () => {
    const jid = await account('pia')
    await signIn(jid)
    await api.owner('POST', `/v1/accounts/${jid}/sign-out`)
    expect(await list(await signIn(jid))).toHaveLength(1)
  })
})

describe('how long a session lasts', () => {
  test('is what the plan says when it begins, and what the server says without one', async () => {
    await api.owner('PUT', '/v1/plans/brief', { session_rest_minutes: 5, session_hours: 1 })
    const [brief, plain] = [await account('kim'), await account('lou')]
    const before = await signIn(brief)
    await api.owner('PUT', `/v1/accounts/${brief}/plan`, { plan: 'brief' })
    const [resting, busy, other] = [await signIn(brief), await signIn(brief), await signIn(plain)]
    const alive = async (page: Page) => (await page.call('GET', '/v1/me')).status === 200
    await clock.advance(4 * 60_000)
    expect(await alive(busy)).toBe(true)
    await clock.advance(60_000)
    expect([await alive(resting), await alive(busy)]).toEqual([false, true])
    expect([await alive(before), await alive(other)]).toEqual([true, true])
    for (let minutes = 5; minutes < 56; minutes += 4) {
      await clock.advance(4 * 60_000)
      expect(await alive(busy)).toBe(minutes + 4 < 60)
    }
    await clock.advance(4 * 60_000)
    expect([await alive(busy), await alive(other)]).toEqual([false, false])
  })

  test.each([{ session_rest_minutes: 0 }, { session_rest_minutes: 10_081 }, { session_hours: 721 }])(
    'a plan with %j is refused',
    async (limits) => {
      expect((await api.owner('PUT', '/v1/plans/odd', limits)).status).toBe(400)
    },
  )

  test('of the server is a setting', async () => {
    const times = { restMs: 2 * 60_000, lifeMs: 10 * 60_000 }
    await using other = await createTestApi({
      clock,
      config: { accountSessions: times, administratorSessions: times },
    })
    await other.owner('POST', '/v1/accounts', { jid: 'ann@example.org', password: 'own' })
    const begun = await other.call('POST', '/v1/account-session', {
      body: { jid: 'ann@example.org', password: 'own' },
    })
    const cookie = String(begun.headers['set-cookie']?.[0]).split(';')[0] ?? ''
    const administrator = await appoint(other, 'Ada')
    const alive = async () => [
      (await other.call('GET', '/v1/me', { headers: { cookie } })).status,
      (await administrator.call('GET', '/v1/session')).status,
    ]
    await clock.advance(60_000)
    expect(await alive()).toEqual([200, 200])
    for (let minutes = 2; minutes < 10; minutes++) {
      await clock.advance(60_000)
      expect(await alive()).toEqual([200, 200])
    }
    await clock.advance(60_000)
    expect(await alive()).toEqual([401, 401])
  })
})

describe('signing out everywhere', () => {
  test('by the owner, and by whoever may change devices, with app passwords if so wanted', async () => {
    const jid = await account('hal')
    const [page, other] = [await signIn(jid), await signIn(jid)]
    await makeAppPassword(page)
    expect((await page.call('POST', '/v1/me/sign-out', {})).status).toBe(200)
    for (const each of [page, other]) expect((await each.call('GET', '/v1/me')).status).toBe(401)
    const again = await signIn(jid)
    expect((await again.call('GET', '/v1/me/app-passwords')).json).toMatchObject({ items: [{}] })
    const path = `/v1/accounts/${jid}/sign-out`
    const reader = await api.key('devices:read')
    expect((await api.call('POST', path, { key: reader, body: {} })).status).toBe(403)
    expect((await api.owner('POST', path, { revoke_app_passwords: true })).status).toBe(200)
    expect((await again.call('GET', '/v1/me')).status).toBe(401)
    expect((await (await signIn(jid)).call('GET', '/v1/me/app-passwords')).json).toEqual({ items: [] })
    expect((await api.owner('POST', '/v1/accounts/nobody@example.org/sign-out', {})).status).toBe(404)
  })
})
