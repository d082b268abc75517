/** Administrators as the panel meets them: enrolment, sessions, proofs, and what nobody may. */
import { VirtualClock } from '@sealpost/runtime'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { appoint, cookieOf, organisation, ORIGIN, somewhere, TestAdministrator } from './administrator.ts'
import { createTestApi, type Answer, type TestApi } from './api.ts'

const clock = new VirtualClock()
let api: TestApi
let owner: TestAdministrator
beforeAll(async () => {
  api = await createTestApi({ clock })
})
afterAll(() => api[Symbol.asyncDispose]())

const MINUTE_MS = 60_000
const problem = (type: string) => `urn:sealpost:problem:${type}`
const typeOf = (answer: Answer) => [answer.status, answer.json['type']]
const codeOf = (secret: string) =>
  TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: clock.now() })

/** From somewhere else each time. */
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  api.call('POST', path, { body, headers: { ...somewhere(), ...headers } })

async function invite(role: string, of?: string): Promise<string> {
  const made = await api.owner('POST', '/v1/administrators/invites', { role, organisation: of })
  expect(made.status, made.text).toBe(201)
  return String(made.json['token'])
}

/** Somebody without a passkey. */
async function enrolWithTotp(
  name: string,
  role = 'support',
  token?: string,
): Promise<{ who: TestAdministrator; secret: string }> {
  const given = token ?? (await invite(role))
  const body = { token: given, name }
  const { ticket, secret } = (await post('/v1/administrators/enrol/totp', body)).json
  const totp = { ticket, code: codeOf(String(secret)) }
  const enrolled = await post('/v1/administrators/enrol', { ...body, totp })
  expect(enrolled.status, enrolled.text).toBe(200)
  const who = new TestAdministrator(api, name)
  who.keep(enrolled)
  return { who, secret: String(secret) }
}

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
      modules: [],
      proved_until: new Date(clock.now() + 5 * MINUTE_MS).toISOString(),
    })
    expect((await new TestAdministrator(api, 'Eve').enrol(token)).json['type']).toBe(problem('invite-gone'))
    await using restarted = await api.again()
    expect(restarted.firstInvite).toBeUndefined()
  })

  test('50 who come at once with 50 links: exactly four administer the customer; the links of the others still work', async () => {
    const customer = await organisation(api, 'Customer')
    const links: string[] = []
    // Twenty links are open at a time at most.
    for (let count = 0; count < 12; count += 1) links.push(await invite('org_admin', customer))
    const tries = links.flatMap((token, index) =>
      Array.from({ length: index < 2 ? 5 : 4 }, (_, attempt) => ({
        token,
        name: `Admin ${String(index)}.${String(attempt)}`,
      })),
    )
    expect(tries).toHaveLength(50)
    const answers = await Promise.all(
      tries.map(({ token, name }) => new TestAdministrator(api, name).enrol(token)),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(4)
    const refused = answers.filter(({ status }) => status !== 200).map(({ json }) => json['type'])
    expect(new Set(refused)).toEqual(new Set([problem('administrators-full'), problem('invite-gone')]))
    const listed = await api.owner('GET', `/v1/administrators?organisation=${customer}`)
    const [first, ...others] = listed.json['items'] as { id: string }[]
    expect(others).toHaveLength(3)
    const open = tries.find(({ token }) =>
      answers.every((answer, index) => answer.status !== 200 || tries[index]?.token !== token),
    )
    expect(typeOf(await new TestAdministrator(api, 'Fifth').enrol(open?.token ?? ''))).toEqual([
      409,
      problem('administrators-full'),
    ])
    expect((await api.owner('DELETE', `/v1/administrators/${first?.id ?? ''}`)).status).toBe(200)
    expect((await new TestAdministrator(api, 'Fifth').enrol(open?.token ?? '')).status).toBe(200)
    for (const { id } of others) await api.owner('DELETE', `/v1/administrators/${id}`)
  })

  test.each([
    ['another origin', { origin: 'https://evil.example' }, {}],
    ['a user who was not verified', { verified: false }, {}],
    ['a signature instead', { type: 'webauthn.get' }, {}],
    ['another RP', {}, { rp: { id: 'evil.example' } }],
    ['another challenge', {}, { challenge: 'AAAA' }],
  ])('a passkey made for %s is refused, and the link is not used up', async (_, lies, change) => {
    const token = await invite('auditor')
    const who = new TestAdministrator(api, `Victim of ${_}`)
    const body = { token, name: who.name }
    const options = (await post('/v1/administrators/enrol/options', body)).json
    const credential = who.authenticator.create({ ...options, ...change }, lies)
    const answer = await post('/v1/administrators/enrol', { ...body, credential })
    expect(typeOf(answer)).toEqual([422, problem('credential-refused')])
    expect((await who.enrol(token)).status).toBe(200)
    await api.owner('DELETE', `/v1/administrators/${who.id}`)
  })

  test('names are unique, and visible; a challenge is good for five minutes, once', async () => {
    const token = await invite('auditor')
    expect(typeOf(await new TestAdministrator(api, 'aDA').enrol(token))).toEqual([409, problem('name-taken')])
    expect(typeOf(await new TestAdministrator(api, 'A\u202eda').enrol(token))).toEqual([
      422,
      problem('name-malformed'),
    ])
    const who = new TestAdministrator(api, 'Late')
    const body = { token, name: who.name }
    const options = (await post('/v1/administrators/enrol/options', body)).json
    await clock.advance(5 * MINUTE_MS)
    const credential = who.authenticator.create(options)
    const late = await post('/v1/administrators/enrol', { ...body, credential })
    expect(typeOf(late)).toEqual([422, problem('credential-refused')])
  })

  test('without a passkey, one-time passwords do; the secret lies nowhere in the clear', async () => {
    const { who, secret } = await enrolWithTotp('Tim')
    const rows = await api.owner('GET', '/v1/administrators')
    expect(rows.json['items']).toContainEqual(
      expect.objectContaining({ name: 'Tim', passkeys: 0, totp: true }),
    )
    const sign = (code: string, name = 'Tim') => post('/v1/session/totp', { name, code })
    expect(typeOf(await sign(codeOf(secret))), 'the code that enrolled').toEqual([
      401,
      problem('proof-refused'),
    ])
    await clock.advance(30_000)
    const code = codeOf(secret)
    const tries = await Promise.all(Array.from({ length: 4 }, () => sign(code, ' tim'.trim())))
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1)
    await clock.advance(10 * MINUTE_MS)
    expect(
      (await sign(TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: clock.now() - 61_000 })))
        .status,
    ).toBe(401)
    expect(who.recoveryCodes).toHaveLength(10)
  })
})

describe('signing in', () => {
  test('unknown names and wrong codes are answered alike, and not for long', async () => {
    const { secret } = await enrolWithTotp('Guessed')
    const answers: Record<string, unknown[]> = {}
    for (const name of ['Guessed', 'Nobody here']) {
      answers[name] = []
      for (let count = 0; count < 7; count += 1) {
        const path = count % 2 === 0 ? 'totp' : 'recovery'
        const answer = await api.call('POST', `/v1/session/${path}`, { body: { name, code: '000000' } })
        answers[name].push(typeOf(answer))
      }
    }
    expect(answers['Guessed']).toEqual(answers['Nobody here'])
    expect(answers['Guessed']?.slice(4)).toEqual([
      [401, problem('proof-refused')],
      [429, problem('too-many-attempts')],
      [429, problem('too-many-attempts')],
    ])
    await clock.advance(MINUTE_MS)
    const body = { name: 'Guessed', code: codeOf(secret) }
    expect((await api.call('POST', '/v1/session/totp', { body })).status).toBe(429)
    await clock.advance(60 * MINUTE_MS)
    expect(
      (await api.call('POST', '/v1/session/totp', { body: { ...body, code: codeOf(secret) } })).status,
    ).toBe(200)
  })

  test('a recovery code works once', async () => {
    const [code = ''] = owner.recoveryCodes
    const sign = (text: string) => post('/v1/session/recovery', { name: 'ada', code: text })
    const signed = await sign(code.toUpperCase().replaceAll('-', ' '))
    expect(signed.status, signed.text).toBe(200)
    expect((await sign(code)).status).toBe(401)
    await owner.signIn()
    expect((await owner.call('GET', '/v1/me/security')).json).toMatchObject({ recovery_codes_left: 9 })
  })

  test('a passkey signs one challenge, of this server, by its user, and is not copied', async () => {
    const ask = async () => (await post('/v1/session/passkey/options')).json
    const show = (credential: unknown) => post('/v1/session/passkey', { credential })
    const { authenticator } = owner
    const used = authenticator.get(await ask())
    expect((await show(used)).status).toBe(200)
    const late = authenticator.get(await ask())
    await clock.advance(5 * MINUTE_MS)
    const wrong = [
      used,
      late,
      authenticator.get(await ask(), { origin: 'https://evil.example' }),
      authenticator.get(await ask(), { verified: false }),
      authenticator.get(await ask(), { counter: 1 }),
      authenticator.get(
        (await owner.signIn().then(() => owner.call('POST', '/v1/session/proof/options'))).json,
      ),
      { ...authenticator.get(await ask()), id: 'AAAA', rawId: 'AAAA' },
    ]
    const answers = await Promise.all(wrong.map(show))
    expect(answers.map(typeOf)).toEqual(wrong.map(() => [401, problem('proof-refused')]))
    expect((await owner.signIn()).status).toBe(200)
  })

  test('begins over TLS only, and not from pages of others', async () => {
    const credential = owner.authenticator.get((await post('/v1/session/passkey/options')).json)
    const sign = (headers: Record<string, string>) => post('/v1/session/passkey', { credential }, headers)
    expect(typeOf(await sign({ 'x-forwarded-proto': 'http' }))).toEqual([403, problem('tls-required')])
    expect(typeOf(await sign({ origin: 'https://evil.example' }))).toEqual([403, problem('origin-refused')])
    expect((await sign({ origin: ORIGIN })).status).toBe(200)
  })
})

describe('a session', () => {
  test('ends at once when signed out, after 30 minutes at rest, and after 12 hours', async () => {
    expect(await owner.signIn()).toMatchObject({ status: 200 })
    const out = await owner.call('DELETE', '/v1/session')
    expect([out.status, cookieOf(out)]).toEqual([200, '__Host-session='])
    expect(typeOf(await owner.call('GET', '/v1/session'))).toEqual([401, problem('session-over')])
    await owner.signIn()
    await clock.advance(30 * MINUTE_MS)
    expect((await owner.call('GET', '/v1/session')).status).toBe(401)
    await owner.signIn()
    for (let minutes = 0; minutes < 720 - 29; minutes += 29) {
      expect((await owner.call('GET', '/v1/session')).status, String(minutes)).toBe(200)
      await clock.advance(29 * MINUTE_MS)
    }
    await clock.advance(29 * MINUTE_MS)
    expect((await owner.call('GET', '/v1/session')).status).toBe(401)
  })

  test('needs the token and the origin of a page of ours for whatever changes something', async () => {
    await owner.signIn()
    const { cookie, csrf } = owner.session
    const create = (headers: Record<string, string>) =>
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
      ].map(async (headers) => (await create(headers)).json['type']),
    )
    const [origin, token] = [problem('origin-refused'), problem('csrf-token-refused')]
    expect(types).toEqual([origin, origin, token, token, origin, origin])
    expect((await create({ origin: ORIGIN, 'x-csrf-token': csrf })).status).toBe(201)
  })

  test('allows what cannot be taken back for five minutes after a proof, and with a reason', async () => {
    await owner.signIn()
    const path = '/v1/accounts/forged@example.org/terminate'
    await clock.advance(5 * MINUTE_MS)
    expect(typeOf(await owner.call('POST', path))).toEqual([403, problem('proof-needed')])
    expect((await owner.prove()).json).toEqual({
      proved_until: new Date(clock.now() + 5 * MINUTE_MS).toISOString(),
    })
    expect(typeOf(await owner.call('POST', path, undefined, { 'sealpost-reason': '' }))).toEqual([
      400,
      problem('reason-header-malformed'),
    ])
    expect((await owner.call('POST', path)).status).toBe(200)
    const wrong = await owner.call('POST', '/v1/session/proof', { code: '123456' })
    expect(typeOf(wrong)).toEqual([401, problem('proof-refused')])
  })

  test('of somebody who gets another role, or is removed or recovered, ends at once', async () => {
    const who = await appoint(api, 'Moved', 'support')
    const path = `/v1/administrators/${who.id}`
    expect((await api.owner('PATCH', path, { role: 'auditor' })).json).toMatchObject({ role: 'auditor' })
    expect((await who.call('GET', '/v1/session')).status).toBe(401)
    await who.signIn()
    const recovery = await api.owner('POST', '/v1/administrators/recovery', { id: who.id })
    const { token } = recovery.json
    expect(typeOf(await api.call('POST', '/v1/invites/redeem', { body: { token } }))).toEqual([
      404,
      problem('invite-gone'),
    ])
    const anew = new TestAdministrator(api, 'Moved back')
    expect((await anew.enrol(String(token))).json).toMatchObject({
      administrator: { id: who.id, role: 'auditor' },
    })
    expect((await who.call('GET', '/v1/session')).status).toBe(401)
    expect((await who.signIn()).status).toBe(401)
    expect((await api.owner('DELETE', path)).status).toBe(200)
    expect((await anew.call('GET', '/v1/session')).status).toBe(401)
    expect((await anew.signIn()).status).toBe(401)
    const log = (await api.owner('GET', '/v1/audit?action=admin.recover')).json['items']
    expect(log).toContainEqual(expect.objectContaining({ phase: 'done', actor: { kind: 'owner' } }))
  })
})

test('the last owner stays; recovery is for the host alone', async () => {
  await owner.signIn()
  const path = `/v1/administrators/${owner.id}`
  expect(typeOf(await api.owner('DELETE', path))).toEqual([409, problem('last-owner')])
  expect(typeOf(await api.owner('PATCH', path, { role: 'support' }))).toEqual([409, problem('last-owner')])
  expect(typeOf(await owner.call('POST', '/v1/administrators/recovery', {}))).toEqual([
    403,
    problem('host-only'),
  ])
})

describe('own security', () => {
  test('passkeys are added, renamed and removed, one-time passwords turned on and off; a proof always remains', async () => {
    const who = await appoint(api, 'Careful', 'auditor')
    const security = async () => (await who.call('GET', '/v1/me/security')).json
    const { passkeys, sessions } = (await security()) as {
      passkeys: { id: string }[]
      sessions: { current: boolean }[]
    }
    expect(sessions).toMatchObject([{ method: 'enrolment', current: true }])
    const [first] = passkeys
    const remove = (id = '') => who.call('DELETE', `/v1/me/security/passkeys/${id}`)
    expect(typeOf(await remove(first?.id))).toEqual([409, problem('last-proof')])

    const options = (await who.call('POST', '/v1/me/security/passkeys/options')).json
    expect(options['excludeCredentials']).toHaveLength(1)
    const credential = who.authenticator.create(options)
    const added = await who.call('POST', '/v1/me/security/passkeys', { name: 'Stick', credential })
    expect(added).toMatchObject({ status: 201, json: { name: 'Stick' } })
    expect(typeOf(await who.call('POST', '/v1/me/security/passkeys', { name: 'Again', credential }))[0]).toBe(
      422,
    )
    const stick = `/v1/me/security/passkeys/${String(added.json['id'])}`
    expect((await who.call('PATCH', stick, { name: 'Blue stick' })).status).toBe(200)
    expect(typeOf(await owner.call('PATCH', stick, { name: 'Mine' }))).toEqual([
      404,
      problem('passkey-unknown'),
    ])
    expect((await remove(first?.id)).status).toBe(200)
    expect(await security()).toMatchObject({ passkeys: [{ name: 'Blue stick' }], totp: { enabled: false } })

    const { ticket, secret } = (await who.call('POST', '/v1/me/security/totp/options')).json
    const wrong = { ticket, code: codeOf('AAAAAAAAAAAAAAAA') }
    expect((await who.call('POST', '/v1/me/security/totp', wrong)).status).toBe(401)
    const right = { ticket, code: codeOf(String(secret)) }
    expect((await owner.call('POST', '/v1/me/security/totp', right)).status, 'of another').toBe(401)
    expect((await who.call('POST', '/v1/me/security/totp', right)).status).toBe(200)
    expect((await who.call('DELETE', stick)).status).toBe(200)
    expect(typeOf(await who.call('DELETE', '/v1/me/security/totp'))).toEqual([409, problem('last-proof')])
    await clock.advance(30_000)
    const proof = await who.call('POST', '/v1/session/proof', { code: codeOf(String(secret)) })
    expect(proof.status, proof.text).toBe(200)

    const renewed = (await who.call('POST', '/v1/me/security/recovery-codes')).json['recovery_codes']
    expect(renewed).toHaveLength(10)
    const old = { name: 'Careful', code: who.recoveryCodes[0] }
    expect((await post('/v1/session/recovery', old)).status).toBe(401)
    expect((await who.call('PATCH', '/v1/me/security', { name: 'Careful now' })).status).toBe(200)
    expect((await who.call('GET', '/v1/session')).json).toMatchObject({
      administrator: { name: 'Careful now' },
    })
  })

  test('without a fresh proof nothing of it is changed; other sessions are ended by their owner', async () => {
    const who = await appoint(api, 'Elsewhere', 'auditor')
    const elsewhere = { ...who.session }
    await who.signIn()
    const { sessions } = (await who.call('GET', '/v1/me/security')).json as {
      sessions: { id: string; current: boolean }[]
    }
    const other = sessions.find(({ current }) => !current)
    const path = `/v1/me/security/sessions/${other?.id ?? ''}`
    expect(typeOf(await owner.call('DELETE', path))).toEqual([404, problem('session-unknown')])
    expect((await who.call('DELETE', path)).status).toBe(200)
    expect((await api.call('GET', '/v1/session', { headers: { cookie: elsewhere.cookie } })).status).toBe(401)
    await clock.advance(5 * MINUTE_MS)
    for (const [method, rest] of [
      ['POST', 'passkeys/options'],
      ['POST', 'totp/options'],
      ['DELETE', 'totp'],
      ['POST', 'recovery-codes'],
    ] as const)
      expect((await who.call(method, `/v1/me/security/${rest}`)).json['type'], rest).toBe(
        problem('proof-needed'),
      )
  })
})

test('no name, code or secret of an administrator is in a log line, a metric or the audit log', async () => {
  const { who, secret } = await enrolWithTotp('Quixotic')
  await who.call('POST', '/v1/me/security/recovery-codes')
  const output =
    api.logged() + (await api.metrics.render()) + (await api.owner('GET', '/v1/audit?limit=200')).text
  for (const word of [
    'Quixotic',
    secret,
    who.session.csrf,
    who.session.cookie.split('=')[1] ?? '',
    ...who.recoveryCodes,
  ])
    expect(output).not.toContain(word)
})
