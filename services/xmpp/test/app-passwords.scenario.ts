/** App passwords over real sockets: a name and password of their own, the account behind it, and the end of what they opened. */
import { randomUUID } from 'node:crypto'
import type { AppScope } from '@sealpost/accounts'
import { parseJid } from '@sealpost/jid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TestClient } from './client.ts'
import { type RelayFixture, startRelay } from './relay-fixture.ts'
import { BIND, conditionOf, ENABLE, enter, bindWith, requestToken, signIn2, tokenOf } from './sasl2-client.ts'

let relay: RelayFixture
beforeAll(async () => {
  relay = await startRelay()
})
afterAll(() => relay[Symbol.asyncDispose]())

const idOf = async (name: string) => (await relay.accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''

async function appPassword(name: string, scopes: readonly AppScope[] = ['chat']) {
  await relay.account(name)
  const accountId = await idOf(name)
  const made = await relay.accounts.appPasswords.create(accountId, {
    name: 'Phone',
    scopes,
    verifiers: undefined,
  })
  const { local: username } = made.login
  return {
    username,
    password: made.password ?? '',
    revoke: () => relay.accounts.appPasswords.revoke(accountId, made.appPassword.id),
  }
}

const withApp = (app: { username: string; password: string }, more: object = {}) =>
  TestClient.signIn({ port: relay.port, ...app, ...more })
const connect = () => TestClient.connect({ port: relay.port })

describe('an app password', () => {
  test.each(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS'])(
    'signs in by %s, as its account',
    async (mechanism) => {
      const app = await appPassword('alice')
      await using client = await withApp(app, { mechanism })
      expect(client.jid).toMatch(/^alice@localhost\//)
      await using whole = await withApp({ ...app, username: `${app.username}@localhost` }, { mechanism })
      expect(whole.jid).toMatch(/^alice@localhost\//)
    },
  )

  test('acts as its account and as nobody else', async () => {
    const app = await appPassword('alice')
    for (const authzid of ['alice@localhost', `${app.username}@localhost`]) {
      await using client = await withApp(app, { authzid })
      expect(client.jid).toMatch(/^alice@localhost\//)
    }
    for (const authzid of ['bob@localhost', 'alice+bcdfghjk@localhost'])
      await expect(withApp(app, { authzid })).rejects.toThrow('sign-in refused: invalid-authzid')
  })

  test('is refused with the account’s password, and the account with its; and like any name that nobody has', async () => {
    const app = await appPassword('alice')
    for (const wrong of [
      { ...app, password: 'secret' },
      { username: 'alice', password: app.password },
      { username: 'alice+bcdfghjk', password: app.password },
    ])
      await expect(withApp(wrong)).rejects.toThrow('sign-in refused: not-authorized')
  })

  test('gives no commands about the account (XEP-0050)', async () => {
    await using client = await withApp(await appPassword('alice'))
    const answer = await client.request(
      'set',
      `<command xmlns='http://jabber.org/protocol/commands' node='urn:sealpost:command:me.show'/>`,
      'localhost',
    )
    expect(answer.toString()).toContain('<forbidden')
  })

  test('that is not for chat is refused', async () => {
    const app = await appPassword('alice', ['mail', 'api'])
    await expect(withApp(app)).rejects.toThrow('sign-in refused: not-authorized')
  })

  test('of a suspended account is refused once it is proven', async () => {
    const app = await appPassword('sue')
    await relay.accounts.suspend(parseJid('sue@localhost'), 'abuse')
    await expect(withApp(app)).rejects.toThrow('sign-in refused: account-disabled')
  })

  test('revoked: what it opened ends, it is refused; the others stay', async () => {
    const [app, other] = [await appPassword('bert'), await appPassword('bert')]
    await using client = await withApp(app)
    await using sibling = await withApp(other)
    await using own = await relay.client('bert')
    await app.revoke()
    expect(await client.streamError()).toBe('not-authorized')
    await expect(withApp(app)).rejects.toThrow('sign-in refused: not-authorized')
    await sibling.ping()
    await own.ping()
  })

  test('revoked between the proof and the binding opens nothing', async () => {
    const app = await appPassword('cleo')
    await using client = await connect()
    await client.authenticate({ port: relay.port, ...app })
    await app.revoke()
    expect(await client.streamError()).toBe('not-authorized')
  })

  test('revoked while its session waits to be resumed: there is nothing to resume', async () => {
    const app = await appPassword('dino')
    const client = await withApp(app)
    const previd = (await client.enableStreamManagement()) ?? ''
    await client.drop()
    await app.revoke()
    await using again = await connect()
    await again.authenticate({ port: relay.port, username: 'dino', password: 'secret' })
    again.sendRaw(`<resume xmlns='urn:xmpp:sm:3' previd='${previd}' h='0'/>`)
    await again.receives(`<failed {any}><item-not-found {any}/></failed>`)
  })

  test('is known to the next process: a session that was opened with it is resumed there, and ends with it', async () => {
    const app = await appPassword('ed')
    const client = await withApp(app)
    const previd = (await client.enableStreamManagement()) ?? ''
    await relay.restart()
    await using again = await connect()
    await again.authenticate({ port: relay.port, ...app })
    await again.resume(previd, client)
    await again.ping()
    await app.revoke()
    expect(await again.streamError()).toBe('not-authorized')
  })

  test('with SASL 2: the account is told, and a token ends with the app password', async () => {
    const app = await appPassword('fay')
    const userAgent = randomUUID()
    await using client = await connect()
    const inline = bindWith(ENABLE) + requestToken()
    const success = await enter(client, { ...app, userAgent, inline })
    expect(client.jid).toMatch(/^fay@localhost\//)
    const token = { username: app.username, token: tokenOf(success) ?? '', userAgent, inline: BIND }
    await using back = await connect()
    await enter(back, token)
    expect(back.jid).toMatch(/^fay@localhost\//)
    await app.revoke()
    expect(await back.streamError()).toBe('not-authorized')
    await using late = await connect()
    expect(conditionOf(await signIn2(late, token))).toBe('not-authorized')
  })
})

describe('signing everything out', () => {
  test('ends all sessions and tokens; whoever knows a password comes again', async () => {
    const app = await appPassword('gus')
    const userAgent = randomUUID()
    await using first = await connect()
    const success = await enter(first, { username: 'gus', userAgent, inline: BIND + requestToken() })
    await using second = await withApp(app)
    await relay.accounts.signOut(await idOf('gus'))
    expect(await first.streamError()).toBe('not-authorized')
    expect(await second.streamError()).toBe('not-authorized')
    await using late = await connect()
    const token = { username: 'gus', token: tokenOf(success) ?? '', userAgent }
    expect(conditionOf(await signIn2(late, token))).toBe('not-authorized')
    await using again = await withApp(app)
    await again.ping()
  })

  test('with a change of the password, or not', async () => {
    await relay.account('hal')
    const id = await idOf('hal')
    const found = await relay.accounts.verifier(parseJid('hal@localhost'), 'SHA-256')
    const sha1 = await relay.accounts.verifier(parseJid('hal@localhost'), 'SHA-1')
    if (!found || !sha1) throw new Error('hal has a password')
    const verifiers = [found.verifier, sha1.verifier]
    await using client = await relay.client('hal')
    await relay.accounts.setVerifiers(id, verifiers, { signOut: false, appPasswords: true })
    await client.ping()
    await relay.accounts.setVerifiers(id, verifiers, { signOut: true, appPasswords: false })
    expect(await client.streamError()).toBe('not-authorized')
  })
})
