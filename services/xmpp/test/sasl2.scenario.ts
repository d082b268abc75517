/** XEP-0388, XEP-0440, XEP-0474, XEP-0480, XEP-0515: sign-in in one request, over real sockets. */
import { createHash, pbkdf2Sync, randomUUID } from 'node:crypto'
import { openDb, sql } from '@sealpost/db'
import { parseJid } from '@sealpost/jid'
import { NS_FAST, NS_SASL2, NS_SASL_UPGRADE, NS_SCRAM_UPGRADE } from '@sealpost/stanza'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import { answer2, authenticate, conditionOf, enter, signIn2 } from './sasl2-client.ts'

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
  await relay.account('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

const connect = (options = {}) => TestClient.connect({ port: relay.port, ...options })
const first = (name: string) => Buffer.from(`n,,n=${name},r=clientnonce`)
const SASL_MECHANISMS = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1']

describe('the offer', () => {
  test('§2.1: mechanisms, inline features and upgrades; the older profile stays beside it', async () => {
    await using client = await connect()
    const offer = client.features?.child('authentication', NS_SASL2)
    expect(offer?.childrenNamed('mechanism').map((each) => each.text())).toEqual(SASL_MECHANISMS)
    const inline = offer?.child('inline')
    expect(inline?.elements().map(({ name }) => name)).toEqual(['bind', 'fast', 'hardware', 'sm'])
    const features = inline?.elements()[0]?.child('inline')?.elements()
    expect(features?.map((each) => each.attrs['var']).sort()).toEqual([
      'urn:xmpp:carbons:2',
      'urn:xmpp:csi:0',
      'urn:xmpp:sm:3',
    ])
    const tokens = inline?.child('fast', NS_FAST)
    expect(tokens?.elements().map((each) => each.text())).toEqual([
      'HT-SHA-256-EXPR',
      'HT-SHA-256-ENDP',
      'HT-SHA-256-NONE',
    ])
    expect(tokens?.attrs['tls-0rtt']).toBeUndefined()
    expect(offer?.child('upgrade', NS_SASL_UPGRADE)?.text()).toBe('UPGR-SCRAM-SHA-256')
    const old = client.features?.child('mechanisms', 'urn:ietf:params:xml:ns:xmpp-sasl')
    expect(old?.elements().map((each) => each.text())).toEqual(SASL_MECHANISMS)
    const bindings = client.features?.childrenNamed('sasl-channel-binding', 'urn:xmpp:sasl-cb:0')
    expect(bindings).toHaveLength(1)
  })

  test('TLS 1.2: what needs tls-exporter is not offered', async () => {
    await using client = await connect({ maxVersion: 'TLSv1.2' })
    const tokens = client.features?.child('authentication', NS_SASL2)?.child('inline')?.child('fast', NS_FAST)
    expect(tokens?.elements().map((each) => each.text())).toEqual(['HT-SHA-256-ENDP', 'HT-SHA-256-NONE'])
  })
})

describe('success', () => {
  test.each(SASL_MECHANISMS)(
    '§2.6.1 %s: bare identifier, features, no restart; then the old binding',
    async (mechanism) => {
      await using client = await connect()
      const success = await enter(client, { username: 'alice', mechanism }) // verifies the server, and its offer by XEP-0474
      expect(client.jid).toBe('alice@localhost')
      expect(success.elements().map(({ name }) => name)).toEqual([
        'additional-data',
        'authorization-identifier',
      ])
      await client.bind('legacy')
      expect(client.jid).toBe('alice@localhost/legacy')
      await client.ping()
    },
  )

  test('XEP-0474: the hash stands in the challenge of this profile only', async () => {
    await using client = await connect()
    client.sendRaw(authenticate('SCRAM-SHA-256', first('alice'), {}))
    const challenge = Buffer.from((await answer2(client)).text(), 'base64').toString()
    const listed = [...SASL_MECHANISMS].sort().join('\u001E')
    const text = `${listed}\u001F${['tls-exporter', 'tls-server-end-point'].join('\u001E')}`
    expect(challenge).toContain(`,h=${createHash('sha256').update(text).digest('base64')}`)
    await using old = await connect()
    old.sendRaw(
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-256'>${first('alice').toString('base64')}</auth>`,
    )
    const oldChallenge = await old.next(({ name }) => name === 'challenge')
    expect(Buffer.from(oldChallenge.text(), 'base64').toString()).not.toMatch(/,[ht]=/)
  })

  test.each([
    ['TLSv1.2', '0303'],
    ['TLSv1.3', '0304'],
  ] as const)('XEP-0515: over %s the challenge says %s', async (maxVersion, version) => {
    await using client = await connect({ maxVersion })
    expect(client.tlsVersion).toBe(maxVersion)
    client.sendRaw(authenticate('SCRAM-SHA-256', first('alice'), {}))
    const challenge = Buffer.from((await answer2(client)).text(), 'base64').toString()
    expect(challenge).toMatch(new RegExp(`,h=[^,]+,t=${version}$`))
  })

  test('§2.3: a client that names its installation is a device at once, whatever it binds', async () => {
    await relay.account('installed')
    await using client = await connect()
    await enter(client, { username: 'installed', userAgent: randomUUID().toUpperCase() })
    await client.bind('anything')
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_xmpp' })
    const { id } = (await relay.accounts.find(parseJid('installed@localhost'))) ?? { id: '' }
    const rows = await db.query(sql`select sign_ins::int from xmpp.device where account_id = ${id}::uuid`)
    expect(rows).toEqual([{ sign_ins: 2 }])
  })
})

describe('failure', () => {
  const refused = async (xml: string) => {
    await using client = await connect()
    client.sendRaw(xml)
    return conditionOf(await answer2(client))
  }
  const request = (inner: string, mechanism = 'SCRAM-SHA-256') =>
    `<authenticate xmlns='${NS_SASL2}' mechanism='${mechanism}'>${inner}</authenticate>`
  const initial = `<initial-response>${first('alice').toString('base64')}</initial-response>`

  test.each([
    ['an unknown mechanism', request(initial, 'PLAIN'), 'invalid-mechanism'],
    ['no mechanism', `<authenticate xmlns='${NS_SASL2}'>${initial}</authenticate>`, 'invalid-mechanism'],
    ['no initial response', request(''), 'malformed-request'],
    ['an empty initial response', request('<initial-response/>'), 'malformed-request'],
    ['bad base64', request('<initial-response>?</initial-response>'), 'incorrect-encoding'],
    ['an installation that is no UUID', request(`${initial}<user-agent id='phone'/>`), 'malformed-request'],
    [
      'a very long installation',
      request(`${initial}<user-agent id='${'a'.repeat(5000)}'/>`),
      'malformed-request',
    ],
    ['an answer to nothing', `<response xmlns='${NS_SASL2}'>AAAA</response>`, 'malformed-request'],
    [
      'a task that nobody asked for',
      `<next xmlns='${NS_SASL2}' task='UPGR-SCRAM-SHA-256'/>`,
      'malformed-request',
    ],
    ['task data without a task', `<task-data xmlns='${NS_SASL2}'/>`, 'malformed-request'],
    ['abort', `<abort xmlns='${NS_SASL2}'/>`, 'aborted'],
    [
      'a token without <fast/>',
      request(`<initial-response>AAAA</initial-response>`, 'HT-SHA-256-NONE'),
      'malformed-request',
    ],
  ])('§2.6.2: %s', async (_, xml, condition) => {
    expect(await refused(xml)).toBe(condition)
  })

  test('the shape: a condition of RFC 6120 in the older namespace', async () => {
    await using client = await connect()
    const failure = await signIn2(client, {
      username: 'alice',
      password: 'wrong',
      inline: "<bind xmlns='urn:xmpp:bind:0'/>",
    })
    expect(String(failure)).toBe(
      `<failure xmlns='${NS_SASL2}'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>`,
    )
    await enter(client, { username: 'alice' }) // the stream is as it was
  })

  test('an unknown name looks as a wrong password does', async () => {
    await using client = await connect()
    expect(conditionOf(await signIn2(client, { username: 'nobody' }))).toBe('not-authorized')
    const token = { token: 'guess', userAgent: randomUUID() }
    expect(conditionOf(await signIn2(client, { username: 'nobody', ...token }))).toBe('not-authorized')
    expect(conditionOf(await signIn2(client, { username: 'alice', ...token }))).toBe('not-authorized')
  })

  test('five failures of both profiles together end the stream', async () => {
    await using client = await connect()
    for (let round = 0; round < 2; round++) {
      await signIn2(client, { username: 'alice', password: 'wrong' })
      await client.sasl(`<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`)
    }
    await signIn2(client, { username: 'alice', password: 'wrong' })
    expect(await client.streamError()).toBe('policy-violation')
  })

  test('§2.4: anything else during the dialogue ends the stream', async () => {
    const others = [
      request(initial),
      `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>${first('alice').toString('base64')}</auth>`,
      `<iq type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>`,
      `<message to='alice@localhost'/>`,
    ]
    for (const other of others) {
      await using client = await connect()
      client.sendRaw(request(initial))
      expect((await answer2(client)).name).toBe('challenge')
      client.sendRaw(other)
      expect(['policy-violation', 'not-authorized']).toContain(await client.streamError())
    }
  })

  test('a second sign-in on a signed-in stream ends it', async () => {
    await using client = await connect()
    await enter(client, { username: 'alice' })
    client.sendRaw(request(initial))
    expect(await client.streamError()).toBe('unsupported-stanza-type')
  })

  test('a suspended account hears so only after the right proof', async () => {
    await relay.account('suspended')
    await relay.accounts.suspend(parseJid('suspended@localhost'), 'abuse')
    await using client = await connect()
    expect(conditionOf(await signIn2(client, { username: 'suspended', password: 'wrong' }))).toBe(
      'not-authorized',
    )
    expect(conditionOf(await signIn2(client, { username: 'suspended' }))).toBe('account-disabled')
  })
})

describe('XEP-0480: an account without SCRAM-SHA-256 gets it', () => {
  const upgrade = `<upgrade xmlns='${NS_SASL_UPGRADE}'>UPGR-SCRAM-SHA-256</upgrade>`
  const lacking = async (name: string) => {
    await relay.account(name)
    const { id } = (await relay.accounts.find(parseJid(`${name}@localhost`))) ?? { id: '' }
    await using db = await openDb({ url: relay.databaseUrl, role: 'sealpost_account' })
    await db.execute(sql`delete from account.credential where account_id = ${id}::uuid and hash = 'SHA-256'`)
  }
  const next = `<next xmlns='${NS_SASL2}' task='UPGR-SCRAM-SHA-256'/>`
  const hash = (salted: Buffer) =>
    `<task-data xmlns='${NS_SASL2}'><hash xmlns='${NS_SCRAM_UPGRADE}'>${salted.toString('base64')}</hash></task-data>`

  test('by a task between proof and success, with what was asked for inline', async () => {
    await lacking('old')
    await using client = await connect()
    const told = await signIn2(client, {
      username: 'old',
      mechanism: 'SCRAM-SHA-1-PLUS',
      inline: `${upgrade}<bind xmlns='urn:xmpp:bind:0'/>`,
    })
    expect(told.name).toBe('continue')
    expect(told.child('tasks')?.child('task')?.text()).toBe('UPGR-SCRAM-SHA-256')
    client.sendRaw(next)
    const salt = (await answer2(client)).child('salt', NS_SCRAM_UPGRADE)
    const salted = pbkdf2Sync(
      'secret',
      Buffer.from(salt?.text() ?? '', 'base64'),
      Number(salt?.attrs['iterations']),
      32,
      'sha256',
    )
    client.sendRaw(hash(salted))
    const success = await answer2(client)
    expect(success.name).toBe('success')
    expect(success.child('bound', 'urn:xmpp:bind:0')).toBeDefined()
    await using again = await connect()
    await enter(again, { username: 'old', mechanism: 'SCRAM-SHA-256' })
    await using other = await connect()
    await enter(other, { username: 'old', mechanism: 'SCRAM-SHA-1', inline: upgrade }) // nothing to do any more
  })

  test('a wrong hash, a wrong order, a wrong name are refused and change nothing', async () => {
    await lacking('older')
    for (const bad of [
      [hash(Buffer.alloc(32))],
      [next, hash(Buffer.alloc(20))],
      [next, next],
      [next.replace('256', '512')],
    ]) {
      await using client = await connect()
      expect(
        (await signIn2(client, { username: 'older', mechanism: 'SCRAM-SHA-1', inline: upgrade })).name,
      ).toBe('continue')
      let answer = ''
      for (const xml of bad) {
        client.sendRaw(xml)
        answer = conditionOf(await answer2(client))
      }
      expect(answer).toBe('malformed-request')
    }
    await using client = await connect()
    expect(conditionOf(await signIn2(client, { username: 'older' }))).toBe('not-authorized')
    await enter(client, { username: 'older', mechanism: 'SCRAM-SHA-1' })
  })

  test('an account that has both is left alone', async () => {
    await using client = await connect()
    await enter(client, { username: 'alice', mechanism: 'SCRAM-SHA-1', inline: upgrade })
  })
})
