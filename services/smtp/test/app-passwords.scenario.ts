/** App passwords for mail: submission by every mechanism, `/v1/mail`, and the end of both. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AppScope } from '@sealpost/accounts'
import { parseJid } from '@sealpost/jid'
import { scramClient } from '@sealpost/sasl'
import { send } from './reception.ts'
import { openWholeRelay, type WholeRelay } from './whole-relay.ts'

let relay: WholeRelay
beforeAll(async () => {
  relay = await openWholeRelay()
  for (const name of ['ann', 'bob']) await relay.account(name)
})
afterAll(() => relay[Symbol.asyncDispose]())

async function appPassword(name: string, scopes: readonly AppScope[]) {
  const id = (await relay.accounts.find(parseJid(`${name}@localhost`)))?.id ?? ''
  const made = await relay.accounts.appPasswords.create(id, { name: 'Laptop', scopes, verifiers: undefined })
  const [login, password] = [made.login.toString(), made.password ?? '']
  return { login, password, revoke: () => relay.accounts.appPasswords.revoke(id, made.appPassword.id) }
}

type App = Awaited<ReturnType<typeof appPassword>>

async function plain({ login, password }: Pick<App, 'login' | 'password'>, authzid = '') {
  const client = await relay.connect('submissions')
  const reply = await client.ask(
    `AUTH PLAIN ${Buffer.from(`${authzid}\0${login}\0${password}`).toString('base64')}`,
  )
  return { client, reply }
}

async function scram({ login, password }: Pick<App, 'login' | 'password'>): Promise<string> {
  using client = await relay.connect('submissions')
  const exchange = scramClient({
    hash: 'SHA-256',
    plus: false,
    username: login,
    password,
    random: randomBytes,
  })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const challenge = await client.ask(`AUTH SCRAM-SHA-256 ${base64(exchange.first())}`)
  const final = await exchange.final(Buffer.from(challenge.slice(4), 'base64').toString())
  const outcome = await client.ask(base64(final))
  return outcome.startsWith('334') ? await client.ask('') : outcome
}

describe('submission', () => {
  test('with one for mail, as its account and under its address only', async () => {
    const app = await appPassword('ann', ['mail'])
    expect(await scram(app)).toMatch(/^235/)
    const { client, reply } = await plain(app, 'ann@localhost')
    using _ = client
    expect(reply).toMatch(/^235/)
    const text = 'From: <ann@localhost>\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nbody'
    expect(await send(client, { from: 'ann@localhost', to: ['bob@localhost'], text })).toMatch(/^250/)
    expect(await client.ask(`MAIL FROM:<${app.login}>`)).toMatch(/^553/)
  })

  test('with one for chat, another password, or as somebody else is refused', async () => {
    const [chat, mail] = [await appPassword('ann', ['chat', 'api']), await appPassword('ann', ['mail'])]
    for (const [app, authzid] of [
      [chat, ''],
      [{ ...mail, password: chat.password }, ''],
      [mail, 'bob@localhost'],
    ] as const) {
      const { client, reply } = await plain(app, authzid)
      using _ = client
      expect(reply).toMatch(/^535 5\.7\.8/)
    }
    expect(await scram(chat)).toMatch(/^535 5\.7\.8/)
  })

  test('ends when it is revoked, and the next is refused', async () => {
    const [app, other] = [await appPassword('ann', ['mail']), await appPassword('ann', ['mail'])]
    const [first, second] = [await plain(app), await plain(other)]
    await app.revoke()
    expect(await first.client.ask()).toMatch(/^421/)
    expect((await plain(app)).reply).toMatch(/^535/)
    expect(await second.client.ask('NOOP')).toMatch(/^250/)
  })
})

test('GET /v1/mail: with one for mail; with one for chat, or one that is revoked, it is refused', async () => {
  const [mail, chat] = [await appPassword('bob', ['mail']), await appPassword('bob', ['chat', 'api'])]
  const status = async ({ login, password }: App, path = '/v1/mail') =>
    (await relay.fetch(path, `${login}:${password}`)).status
  expect(await status(mail)).toBe(200)
  expect(await status(mail, '/v1/me/mail-settings')).toBe(200)
  expect(await status(chat)).toBe(401)
  await mail.revoke()
  expect(await status(mail)).toBe(401)
})
