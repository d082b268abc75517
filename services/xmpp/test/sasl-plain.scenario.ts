/** RFC 4616 over real sockets: PLAIN where the operator lets it, with app passwords alone. */
import type { AppScope } from '@sealpost/accounts'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'

const NS = 'urn:ietf:params:xml:ns:xmpp-sasl'

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay({ plain: 'app-passwords' })
  await relay.account('alice')
})
afterAll(() => relay[Symbol.asyncDispose]())

const connect = (options = {}) => TestClient.connect({ port: relay.port, ...options })
const base64 = (text: string) => Buffer.from(text).toString('base64')
const auth = (message: string) => `<auth xmlns='${NS}' mechanism='PLAIN'>${message}</auth>`
const plain = (username: string, password: string, authzid = '') =>
  auth(base64(`${authzid}\0${username}\0${password}`))

async function appPassword(name: string, scopes: readonly AppScope[] = ['chat']) {
  await relay.account(name)
  const { id } = (await relay.accounts.find(parseJid(`${name}@localhost`))) ?? { id: '' }
  const wanted = { name: 'Terminal', scopes, verifiers: undefined }
  const { login, password = '', appPassword: made } = await relay.accounts.appPasswords.create(id, wanted)
  return {
    username: login.local,
    password,
    revoke: () => relay.accounts.appPasswords.revoke(id, made.id),
  }
}

/** The bare JID that came of it, or the condition of the failure. */
async function signIn(message: string, options = {}): Promise<string> {
  await using client = await connect(options)
  const answer = await client.sasl(message)
  if (answer !== 'success') return answer
  await client.openStream()
  await client.bind()
  return client.bare
}

const mechanismsOf = (client: TestClient) =>
  client.features
    ?.child('mechanisms', NS)
    ?.elements()
    .map((each) => each.text())

describe('with XMPP_PLAIN=app-passwords', () => {
  test('it is offered last, over TLS, and not to SASL2', async () => {
    await using client = await connect()
    expect(mechanismsOf(client)?.at(-1)).toBe('PLAIN')
    expect(mechanismsOf(client)).toHaveLength(5)
    expect(client.features?.child('authentication', 'urn:xmpp:sasl:2')?.toString()).not.toContain('PLAIN')
    client.sendRaw(
      `<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'><initial-response>AGEAYg==</initial-response></authenticate>`,
    )
    await client.receives(`<failure {any}><invalid-mechanism {any}/></failure>`)
  })

  test('before TLS it is neither offered nor taken', async () => {
    const { username, password } = await appPassword('alice')
    await using client = await TestClient.open({ port: relay.port })
    const features = await client.openStream()
    expect(features.child('mechanisms', NS)).toBeUndefined()
    client.sendRaw(plain(username, password))
    const answer = await client.next(({ name }) => name === 'failure' || name === 'error')
    expect(String(answer)).toMatch(/<encryption-required|<not-authorized|<policy-violation/)
  })

  test('an app password signs in as its account, with TLS 1.2, too', async () => {
    const { username, password } = await appPassword('alice')
    for (const name of [username, `${username}@localhost`, username.toUpperCase()])
      expect(await signIn(plain(name, password))).toBe('alice@localhost')
    expect(await signIn(plain(username, password), { maxVersion: 'TLSv1.2' })).toBe('alice@localhost')
    expect(await signIn(plain(username, password), { direct: true, port: relay.tlsPort })).toBe(
      'alice@localhost',
    )
  })

  test('it acts as its account and as nobody else', async () => {
    const { username, password } = await appPassword('alice')
    for (const authzid of ['alice@localhost', `${username}@localhost`])
      expect(await signIn(plain(username, password, authzid))).toBe('alice@localhost')
    for (const authzid of ['bob@localhost', 'alice', 'no address@'])
      expect(await signIn(plain(username, password, authzid))).toBe('invalid-authzid')
  })

  test('the account’s own password is refused like a wrong one, right or not', async () => {
    const { username, password } = await appPassword('alice')
    for (const [name, wrong] of [
      ['alice', 'secret'],
      ['alice', 'wrong'],
      ['alice', password],
      ['nobody', 'secret'],
      [username, 'secret'],
      [username, password.slice(1)],
      ['alice+bcdfghjk', password],
      [`${username}@example.org`, password],
    ] as const)
      expect(await signIn(plain(name, wrong)), name).toBe('not-authorized')
  })

  test('one that is not for chat, or was revoked, is refused; of a suspended account once it is proven', async () => {
    const mail = await appPassword('alice', ['mail', 'api'])
    expect(await signIn(plain(mail.username, mail.password))).toBe('not-authorized')
    const gone = await appPassword('alice')
    await gone.revoke()
    expect(await signIn(plain(gone.username, gone.password))).toBe('not-authorized')
    const sue = await appPassword('sue')
    await relay.accounts.suspend(parseJid('sue@localhost'), 'abuse')
    expect(await signIn(plain(sue.username, 'wrong'))).toBe('not-authorized')
    expect(await signIn(plain(sue.username, sue.password))).toBe('account-disabled')
  })

  test('what it opened ends with it', async () => {
    const { username, password, revoke } = await appPassword('bert')
    await using client = await connect()
    expect(await client.sasl(plain(username, password))).toBe('success')
    await client.openStream()
    await client.bind()
    await client.ping()
    await revoke()
    expect(await client.streamError()).toBe('not-authorized')
  })

  test.each([
    ['', 'malformed-request'],
    ['=', 'malformed-request'],
    [base64('alice'), 'malformed-request'],
    [base64('\0alice+bcdfghjk'), 'malformed-request'],
    [base64('\0alice+bcdfghjk\0'), 'malformed-request'],
    [base64('\0\0secret'), 'malformed-request'],
    [base64('\0alice+bcdfghjk\0a\0b'), 'malformed-request'],
    [base64(`\0${'a'.repeat(1_024)}\0b`), 'malformed-request'],
    [Buffer.from([0, 0xff, 0, 0x61]).toString('base64'), 'malformed-request'],
    ['AGFsaWNl\nAGI=', 'incorrect-encoding'],
    ['*', 'incorrect-encoding'],
    [base64('\0al ice@@localhost\0b'), 'not-authorized'],
    [base64('\0alice+bcdfghjk@localhost/phone\0b'), 'not-authorized'],
  ])('bad input %#', async (message, condition) => {
    expect(await signIn(auth(message))).toBe(condition)
  })

  test('a client may fail five times on one stream, by whichever mechanism', async () => {
    await using client = await connect()
    const scram = `<auth xmlns='${NS}' mechanism='SCRAM-SHA-256'>${base64('n,,n=')}</auth>`
    for (let tries = 0; tries < 4; tries++)
      expect(await client.sasl(tries % 2 === 0 ? plain('alice', 'secret') : scram)).not.toBe('success')
    client.sendRaw(plain('alice', 'secret'))
    expect(await client.streamError()).toBe('policy-violation')
  })

  test('a success is followed by a new stream: nothing signs in twice', async () => {
    const { username, password } = await appPassword('alice')
    await using client = await connect()
    expect(await client.sasl(plain(username, password))).toBe('success')
    await client.openStream()
    client.sendRaw(plain(username, password))
    expect(await client.streamError()).toBe('unsupported-stanza-type')
  })
})

test('wrong ones are counted together with those of SCRAM, by name and address', async () => {
  const few = { burst: 3, perSecond: 1e-6 }
  const plenty = { burst: 1_000, perSecond: 1 }
  const guesses = { nameAndClient: few, client: plenty, name: few }
  await using strict = await startRelay({ plain: 'app-passwords' }, { guesses })
  await strict.account('cleo')
  const { id } = (await strict.accounts.find(parseJid('cleo@localhost'))) ?? { id: '' }
  const made = await strict.accounts.appPasswords.create(id, {
    name: 'Terminal',
    scopes: ['chat'],
    verifiers: undefined,
  })
  const { local: username } = made.login
  const { port } = strict
  for (let tries = 0; tries < 2; tries++)
    expect(await signIn(plain(username, 'wrong'), { port })).toBe('not-authorized')
  await expect(TestClient.signIn({ port, username, password: 'wrong' })).rejects.toThrow('not-authorized')
  expect(await signIn(plain(username, made.password ?? ''), { port })).toBe('temporary-auth-failure')
  await expect(TestClient.signIn({ port, username, password: made.password ?? '' })).rejects.toThrow(
    'temporary-auth-failure',
  )
  await using own = await strict.client('cleo') // the name of its own password is another
  await own.ping()
})

test('without it PLAIN is neither offered nor taken', async () => {
  await using silent = await startRelay()
  await using client = await connect({ port: silent.port })
  expect(mechanismsOf(client)).not.toContain('PLAIN')
  expect(await client.sasl(plain('alice+bcdfghjk', 'secret'))).toBe('invalid-mechanism')
})
