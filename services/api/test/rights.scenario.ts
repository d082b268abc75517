/** Requests of people about their data, policies and notices, over the API. */
import { JumpingClock } from './jumping-clock.ts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openDb, sql } from '@sealpost/db'
import { basic, createTestApi, type Answer, type TestApi } from './api.ts'

const start = Date.UTC(2030, 0, 10, 12)
const clock = new JumpingClock(start)
const DAY_MS = 86_400_000

let api: TestApi
const names = ['ann', 'bob', 'carla', 'dora'] as const
const as = (name: string) => basic(`${name}@example.org`, 'secret')
const ids = new Map<string, string>()

beforeAll(async () => {
  api = await createTestApi({ clock })
  for (const name of names) {
    const made = await api.owner('POST', '/v1/accounts', { jid: `${name}@example.org`, password: 'secret' })
    ids.set(name, String(made.json['id']))
  }
})
afterAll(() => api[Symbol.asyncDispose]())

const mine = (name: string, method: string, path: string, body?: unknown): Promise<Answer> =>
  api.call(method, `/v1/me/${path}`, { headers: as(name), body })
const items = (answer: Answer) => answer.json['items'] as Record<string, unknown>[]
const problem = ({ status, json }: Answer) => [
  status,
  String(json['type']).replace('urn:sealpost:problem:', ''),
]

describe('privacy requests', () => {
  test('access is answered with how to get everything; correction waits, due in thirty days', async () => {
    const access = await mine('ann', 'POST', 'privacy-requests', { kind: 'access' })
    expect(access.status).toBe(201)
    expect(access.json).toMatchObject({
      state: 'answered',
      answer: expect.stringContaining('/v1/me/export') as unknown,
    })
    const correction = await mine('ann', 'POST', 'privacy-requests', {
      kind: 'correction',
      details: 'My name.',
    })
    expect(correction.json).toMatchObject({ state: 'open', received_on: '2030-01-10', due_on: '2030-02-09' })
    expect(items(await mine('ann', 'GET', 'privacy-requests'))).toHaveLength(2)
    expect(items(await mine('bob', 'GET', 'privacy-requests'))).toEqual([])
    const shown = await api.owner('GET', `/v1/privacy-requests/${String(correction.json['id'])}`)
    expect(shown.json).toMatchObject({ account: ids.get('ann'), details: 'My name.' })
    expect((await mine('ann', 'GET', 'export')).json).toMatchObject({ privacy_requests: [{}, {}] })
  })

  test.each([
    ['no words for an objection', { kind: 'objection' }, [422, 'details-missing']],
    ['deletion without password', { kind: 'deletion' }, [403, 'password-not-confirmed']],
    ['deletion with a wrong password', { kind: 'deletion', password: 'x' }, [403, 'password-not-confirmed']],
    ['an unknown kind', { kind: 'party' }, [400, 'about:blank']],
    ['a control character', { kind: 'correction', details: 'a\u0000' }, [400, 'about:blank']],
  ])('%s is refused', async (_what, body, refusal) => {
    expect((await mine('bob', 'POST', 'privacy-requests', body)).status).toBe(refusal[0])
    expect(items(await mine('bob', 'GET', 'privacy-requests'))).toEqual([])
  })

  test('one that was recorded is overdue, is answered once, and the person reads the answer', async () => {
    const key = await api.key('privacy:read', 'privacy:write')
    const asked = {
      jid: 'bob@example.org',
      kind: 'objection',
      details: 'To all of it.',
      received_on: '2029-12-01',
    }
    const recorded = await api.call('POST', '/v1/privacy-requests', { key, body: asked })
    expect(recorded.json).toMatchObject({ origin: 'administrator', due_on: '2029-12-31', state: 'open' })
    const path = `/v1/privacy-requests/${String(recorded.json['id'])}`
    const overdue = await api.call('GET', '/v1/privacy-requests?state=overdue', { key })
    expect(items(overdue).map(({ id }) => id)).toEqual([recorded.json['id']])
    const answer = { key, body: { answer: 'We stopped.' } }
    expect((await api.call('POST', `${path}/answer`, answer)).json).toMatchObject({ closed_on: '2030-01-10' })
    expect(problem(await api.call('POST', `${path}/refuse`, answer))).toEqual([409, 'privacy-request-closed'])
    expect(items(await mine('bob', 'GET', 'privacy-requests'))).toMatchObject([{ answer: 'We stopped.' }])
    const future = { ...asked, received_on: '2030-01-11' }
    expect(problem(await api.call('POST', '/v1/privacy-requests', { key, body: future }))).toEqual([
      422,
      'day-in-future',
    ])
  })

  test('a recorded deletion is for its own person to confirm: the account ends, the record stays without them', async () => {
    const recorded = await api.owner('POST', '/v1/privacy-requests', {
      jid: 'carla@example.org',
      kind: 'deletion',
    })
    const id = String(recorded.json['id'])
    expect(
      problem(await mine('bob', 'POST', `privacy-requests/${id}/confirm`, { password: 'secret' })),
    ).toEqual([404, 'privacy-request-unknown'])
    const confirmed = await mine('carla', 'POST', `privacy-requests/${id}/confirm`, { password: 'secret' })
    expect(confirmed.json).toMatchObject({ state: 'answered' })
    expect((await mine('carla', 'GET', 'privacy-requests')).status).toBe(401)
    await vi.waitFor(
      async () => {
        const left = (await api.owner('GET', `/v1/privacy-requests/${id}`)).json
        expect(left).toMatchObject({ kind: 'deletion', state: 'answered', closed_on: '2030-01-10' })
        expect(left).not.toHaveProperty('account')
        expect(left).not.toHaveProperty('answer')
      },
      { timeout: 30_000 },
    )
  })
})

describe('policies', () => {
  const publish = (kind: string, body: object) => api.owner('POST', `/v1/policies/${kind}/versions`, body)
  const terms = { language: 'en', title: 'Terms', text: 'Be good.\n\n<b>Really</b> & always.' }

  test('the first version may be in force today; it is public, escaped, in its languages', async () => {
    expect((await publish('terms', { ...terms, effective_on: '2030-01-10' })).json).toMatchObject({
      version: 1,
    })
    const french = { language: 'fr', title: 'Conditions', text: 'Soyez sages.' }
    const path = '/v1/policies/terms/versions/1'
    expect((await api.owner('POST', `${path}/texts`, french)).json).toMatchObject({ languages: ['en', 'fr'] })
    expect(problem(await api.owner('POST', `${path}/texts`, french))).toEqual([409, 'policy-text-exists'])
    const page = await api.call('GET', '/policies/terms')
    expect(page.headers['content-type']).toContain('text/html')
    expect(page.text).toContain('<p>&lt;b&gt;Really&lt;/b&gt; &amp; always.</p>')
    expect((await api.call('GET', '/policies/terms/1?language=fr')).text).toContain('<div lang="fr">')
    expect((await api.call('GET', `${path}?language=fr`)).json).toMatchObject({ text: 'Soyez sages.' })
    expect((await api.call('GET', '/policies')).text).toContain('href="/policies/terms/1"')
    for (const gone of ['/policies/terms/2', '/policies/nonsense', '/policies/terms/x'])
      expect((await api.call('GET', gone)).status).toBe(404)
  })

  test('an amendment is announced thirty days before, to everybody; the old version holds until then', async () => {
    expect(problem(await publish('terms', { ...terms, effective_on: '2030-02-08' }))).toEqual([
      422,
      'policy-too-soon',
    ])
    const made = await publish('terms', { ...terms, title: 'New terms', effective_on: '2030-02-09' })
    expect(made.json).toMatchObject({ version: 2, effective_on: '2030-02-09' })
    expect((await api.call('GET', '/policies/terms')).text).toContain('Version 1')
    const [notice] = items(await mine('ann', 'GET', 'notices'))
    expect(notice).toMatchObject({ kind: 'amendment', title: 'Amendment on 2030-02-09: New terms' })
    const again = await api.again() // as after kill -9: nothing is announced twice
    await again[Symbol.asyncDispose]()
    expect(items(await mine('ann', 'GET', 'notices'))).toHaveLength(1)
  })

  test('"I agree" is on record: who, when, which version; erased with the account, but counted', async () => {
    const accept = (name: string, version: number, words = 'I agree') =>
      mine(name, 'POST', `policies/terms/versions/${String(version)}/acceptance`, { words })
    expect(items(await mine('ann', 'GET', 'policies'))).toMatchObject([
      { kind: 'terms', to_accept: true, current: { version: 1 }, upcoming: { version: 2 } },
    ])
    expect((await accept('ann', 1, 'Whatever')).status).toBe(400)
    expect((await accept('ann', 1)).json).toMatchObject({
      to_accept: false,
      accepted: { version: 1, accepted_on: '2030-01-10' },
    })
    expect(problem(await accept('ann', 3))).toEqual([404, 'policy-unknown'])
    expect((await accept('dora', 2)).json).toMatchObject({ to_accept: false }) // the coming one
    expect((await mine('ann', 'GET', 'export')).json).toMatchObject({ policies: [{ version: 1 }] })
    expect(
      (await mine('dora', 'POST', 'privacy-requests', { kind: 'deletion', password: 'secret' })).status,
    ).toBe(201)
    const count = async () =>
      (await api.owner('GET', '/v1/policies/terms/versions/2/acceptances')).json['count']
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api' })
    await vi.waitFor(
      async () => {
        expect(
          await db.query(
            sql`select 1 from api.policy_acceptance where account_id = ${ids.get('dora')}::uuid`,
          ),
        ).toEqual([])
      },
      { timeout: 30_000 },
    )
    expect(await count()).toBe(1)
    clock.jump(30 * DAY_MS)
    expect(items(await mine('ann', 'GET', 'policies'))).toMatchObject([
      { to_accept: true, current: { version: 2 } },
    ])
    expect((await api.call('GET', '/policies/terms/1')).text).toContain('Be good.') // the archive
    expect((await api.call('GET', '/policies')).text).toMatch(/terms\/2"[^]*terms\/1"|terms\/1"[^]*terms\/2"/)
    expect(problem(await accept('ann', 1))).toEqual([409, 'policy-not-in-force'])
    // What was in force stays to be read.
    expect((await api.call('GET', '/policies/terms')).text).toContain('Version 2')
    expect((await api.call('GET', '/policies/terms/1')).text).toContain('Be good.')
    expect((await api.call('GET', '/policies')).text).toContain('href="/policies/terms/1"')
  })

  test('guidelines for authorities bind no account', async () => {
    await publish('guidelines', { ...terms, effective_on: '2030-03-01' })
    expect(
      problem(await mine('ann', 'POST', 'policies/guidelines/versions/1/acceptance', { words: 'I agree' })),
    ).toEqual([422, 'policy-not-accepted'])
    expect(problem(await publish('sla', { ...terms, effective_on: '2020-01-01' }))).toEqual([
      422,
      'policy-in-past',
    ])
  })
})

describe('notices', () => {
  /** Seconds pass until it holds. */
  const soon = (check: () => void | Promise<void>) =>
    vi.waitFor(
      async () => {
        await clock.advance(1_000)
        await check()
      },
      { timeout: 30_000 },
    )
  const allSent = () =>
    soon(async () => {
      const open = items(await api.owner('GET', '/v1/notices?limit=200')).filter(
        ({ mail }) => mail === 'pending',
      )
      expect(open).toEqual([])
    })
  const publish = (body: object, path = '/v1/notices') => api.owner('POST', path, body)
  const news = { kind: 'announcement', title: 'Grüße', body: 'Zeile eins.\n\nZeile zwei.' }
  const sentAs = (subject: RegExp) =>
    api.letters.sent.filter(({ message }) => subject.test(message.toString()))

  test('a preview says what would be written, and writes nothing', async () => {
    const before = items(await api.owner('GET', '/v1/notices')).length
    const preview = await publish(news, '/v1/notices/preview')
    expect(preview.json).toMatchObject({
      mail: { subject: 'Grüße', text: 'Zeile eins.\n\nZeile zwei.\n\nhttps://example.org:8443/account' },
      chat: { subject: 'Grüße' },
    })
    expect(items(await api.owner('GET', '/v1/notices'))).toHaveLength(before)
  })

  test('everybody reads it on the account page, gets one mail, and hears it in chat', async () => {
    await allSent()
    api.letters.sent.length = 0
    const made = await publish(news)
    const { id } = made.json
    await soon(async () => {
      expect((await api.owner('GET', `/v1/notices/${String(id)}`)).json).toMatchObject({
        mail: 'done',
        mailed: 2,
        chat: 'done',
      })
    })
    expect(
      sentAs(/^Subject: =\?utf-8\?B\?R3LDvMOfZQ==\?=\r$/m)
        .map(({ recipient }) => recipient)
        .toSorted(),
    ).toEqual(['ann@example.org', 'bob@example.org'])
    expect(api.letters.sent[0]?.message.toString()).toMatch(/\r\nAuto-Submitted: auto-generated\r\n/)
    expect(api.relay.announced.at(-1)).toMatchObject({ id, subject: 'Grüße', accountIds: undefined })
    expect(items(await mine('bob', 'GET', 'notices'))[0]).toMatchObject({ title: 'Grüße' })
    const withdrawn = await publish({}, `/v1/notices/${String(id)}/withdraw`)
    expect(withdrawn.json).toHaveProperty('withdrawn_at')
    expect(items(await mine('bob', 'GET', 'notices')).map(({ title }) => title)).not.toContain('Grüße')
    expect(problem(await publish({}, `/v1/notices/${String(id)}/withdraw`))).toEqual([
      409,
      'notice-withdrawn',
    ])
  })

  test('to those online: in chat alone; to one account: to nobody else', async () => {
    await allSent()
    api.letters.sent.length = 0
    const online = await publish({ ...news, audience: 'online' })
    const one = await publish({ ...news, title: 'Only you', audience: 'account', jid: 'bob@example.org' })
    expect(online.json).toMatchObject({ mail: 'off', chat: 'pending' })
    await soon(() => expect(api.letters.sent.map(({ recipient }) => recipient)).toEqual(['bob@example.org']))
    const told = () => api.relay.announced.find(({ id }) => id === one.json['id']) // of one moment, in any order
    await soon(() => expect(told()).toMatchObject({ accountIds: [ids.get('bob')] }))
    expect(items(await mine('bob', 'GET', 'notices'))[0]).toMatchObject({ title: 'Only you' })
    expect(items(await mine('ann', 'GET', 'notices')).map(({ title }) => title)).not.toContain('Only you')
    expect((await mine('bob', 'GET', 'export')).json).toMatchObject({ notices: [{ title: 'Only you' }] })
  })

  test('planned maintenance is told once, with its time, also after kill -9, until it is called off', async () => {
    await allSent()
    api.letters.sent.length = 0
    const at = (ms: number) => new Date(clock.now() + ms).toISOString()
    const window = { begins_at: at(3 * DAY_MS), ends_at: at(3 * DAY_MS + 3_600_000) }
    const planned = await publish(
      { components: ['chat', 'mail'], summary: 'New disks', ...window },
      '/v1/maintenance',
    )
    expect(planned.status).toBe(201)
    const { id } = planned.json
    const told = async () => (await api.owner('GET', `/v1/notices/${String(id)}`)).json
    await soon(async () => expect(await told()).toMatchObject({ mail: 'done', mailed: 2, chat: 'done' }))
    const mail = api.letters.sent[0]?.message.toString() ?? ''
    expect(mail).toContain('Subject: New disks')
    expect(mail).toContain('May be interrupted: Chat, Mail.')
    const time = `From ${window.begins_at.slice(0, 16).replace('T', ' ')}`
    expect(mail).toContain(time)
    expect(api.relay.announced.at(-1)).toMatchObject({ id, body: expect.stringContaining(time) as string })
    expect(items(await mine('bob', 'GET', 'notices'))[0]).toMatchObject({
      id,
      kind: 'maintenance',
      starts_at: window.begins_at,
    })
    await using again = await api.again()
    expect(again.addresses).toHaveLength(1)
    // As a process that is killed between planning and telling: the next one tells.
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api' })
    await db.execute(sql`delete from api.notice where id = ${String(id)}::uuid`)
    await using third = await api.again()
    expect(third.addresses).toHaveLength(1)
    await soon(async () => expect(await told()).toMatchObject({ kind: 'maintenance', mail: 'done' }))
    expect((await publish({}, `/v1/maintenance/${String(id)}/cancel`)).status).toBe(200)
    await soon(async () => expect(await told()).toHaveProperty('withdrawn_at'))
    expect(items(await mine('bob', 'GET', 'notices')).map((each) => each['id'])).not.toContain(id)
  })

  test.each([
    { kind: 'maintenance' },
    { starts_at: '2031-01-01T00:00:00Z', ends_at: '2031-01-01T01:00:00Z' },
    { shown_until: '0000-01-01T00:00:00Z' },
    { shown_until: '2031-06-30T23:59:60Z' },
  ])('a notice with %j is refused', async (change) => {
    expect((await publish({ ...news, ...change })).status).toBe(400)
  })

  test('mails go on after the relay was away, and after kill -9 no account gets a second one', async () => {
    await allSent()
    api.letters.sent.length = 0
    api.letters.away = true
    const { id } = (await publish({ ...news, title: 'Later' })).json
    const state = async () => (await api.owner('GET', `/v1/notices/${String(id)}`)).json
    await soon(() => expect(api.logged()).toContain('rights_task_failed'))
    expect(await state()).toMatchObject({ mail: 'pending', mailed: 0, uncertain: 0 })
    // As a process that is killed while the mail relay has the mail: claimed, and nothing after it.
    await using db = await openDb({ url: api.databaseUrl, role: 'sealpost_api' })
    const [first = ''] = [ids.get('ann') ?? '', ids.get('bob') ?? ''].toSorted()
    await vi.waitFor(
      async () => {
        const claimed = await db.execute(sql`
        update api.notice set mail_claimed = ${first}::uuid where id = ${String(id)}::uuid and mail_claimed is null`)
        expect(claimed).toBe(1)
      },
      { timeout: 30_000 },
    )
    api.letters.away = false
    await using again = await api.again()
    expect(again.addresses).toHaveLength(1)
    await soon(async () => {
      expect(await state()).toMatchObject({ mail: 'done', mailed: 1, uncertain: 1 })
    })
    const second = api.letters.sent.filter(({ message }) => message.includes('Subject: Later'))
    expect(second).toHaveLength(1)
  })
})
